// Package adapter is the seam between a namespace and the same namespace on
// the other nodes of a cluster.
//
// A node delivers to its own sockets by itself: an adapter speaks of the other
// nodes only. It carries [Operation] values to them, in order per publisher, and
// hands those that arrive from them to [Local]. What it speaks on the wire, and
// over what, is its own business; package socketio imports no adapter.
package adapter

import (
	"context"
	"errors"
)

var (
	// ErrKind means that an adapter can't carry operations of a kind.
	ErrKind = errors.New("adapter: unknown kind of operation")

	// ErrClosed means that a namespace was closed.
	ErrClosed = errors.New("adapter: namespace is closed")
)

// An Adapter connects one node to the others of its cluster. It is safe for
// concurrent use.
type Adapter interface {
	// Open connects the namespace nsp ("/" or "/chat") and hands what arrives
	// for it to local. It may be called before and during Run, once per
	// namespace until that is closed, and does not wait for the network: the namespace takes part as
	// soon as there is a connection.
	Open(nsp string, local Local) (Namespace, error)

	// Run keeps the connections to the other nodes until ctx ends, over failures
	// too. It is called once. When it returns, no goroutine of the adapter is left.
	Run(ctx context.Context) error

	// Ready returns nil while the other nodes can be reached and hear this one,
	// and otherwise what is missing.
	Ready() error
}

// A Namespace is one namespace's way to the other nodes.
type Namespace interface {
	// Publish passes op on to the other nodes. It never blocks and keeps op: the
	// caller must not change it afterwards. An error says that the other nodes
	// will not get op; local delivery is not affected. It wraps [ErrKind] if the
	// adapter does not know what op asks for. It must not call [Local.Apply]: the
	// publisher holds what that needs.
	Publish(op *Operation) error

	// Close takes the namespace out of the cluster, on this node. It does not wait
	// for the network. What was published before is still sent; Publish returns
	// [ErrClosed] from now on. An operation that is arriving at the moment may still
	// be applied. The namespace may be opened again.
	Close()
}

// Local is what a namespace offers to its adapter.
type Local interface {
	// Apply carries out op on the sockets of this node. Operations of one
	// publisher must be applied one after the other, in their order. Apply does not
	// block and keeps op: the adapter must not change it afterwards.
	Apply(op *Operation)
}

// Kind says what an [Operation] asks for.
type Kind uint8

// Kinds of operations. Of what it does not know, an adapter publishes nothing and
// drops what arrives.
const (
	// Broadcast sends Operation.Event to the sockets that Rooms and Except select.
	Broadcast Kind = iota + 1
	// Join puts the sockets that Rooms and Except select into the rooms in Names.
	Join
	// Leave takes the selected sockets out of the rooms in Names.
	Leave
	// Disconnect disconnects the selected sockets, and with Close their clients.
	Disconnect
	// ServerSide hands Operation.Event to the other nodes themselves.
	ServerSide
)

// An Operation is something that a node asks of all others. It is immutable once
// it was published or applied.
type Operation struct {
	Kind Kind

	// Rooms selects the sockets that are in at least one of them; a socket's id
	// is a room of its own. Empty selects all sockets of the namespace.
	Rooms []string
	// Except takes out the sockets that are in at least one of these rooms.
	Except []string
	// Flags are the sender's wishes about delivery.
	Flags Flags

	// Event is what a Broadcast sends, and what ServerSide tells.
	Event Event
	// Names are the rooms of Join and Leave.
	Names []string
	// Close says that Disconnect closes whole connections.
	Close bool
}

// Flags are a sender's wishes about the delivery of a broadcast.
type Flags struct {
	// Volatile allows to drop the event for clients that can't take it at once.
	Volatile bool
	// NoCompress asks not to compress the event.
	NoCompress bool

	// Slow is what happens for clients that are too slow: the number of a policy of
	// package engineio, plus one. 0 leaves that to the namespace of the receiver. An
	// adapter whose wire format has no place for it leaves it out.
	Slow uint8
	// SlowKey is the key of a policy that wants one.
	SlowKey string
}

// An Event is an event in JSON, with its binary parts beside it.
type Event struct {
	// Data is a JSON array whose first element is the event's name and whose
	// others are its arguments. The n-th element of Attachments is represented in
	// it by {"_placeholder":true,"num":n}.
	Data []byte
	// Attachments are the binary parts, nil if there are none.
	Attachments [][]byte
}
