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

	// ErrOpening means that a namespace was opened a moment ago and does not take part
	// yet. All others do.
	ErrOpening = errors.New("adapter: a namespace is being opened")

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
	// too. It is called once. When it returns, no goroutine of the adapter is left, and
	// no question waits for answers.
	Run(ctx context.Context) error

	// Ready returns nil while the other nodes can be reached and hear this one,
	// and otherwise what is missing. That wraps [ErrOpening] if it is no more than that.
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

	// Ask passes q.Op on to the other nodes as Publish does, in its place among what
	// was published, and hands their answers to q. It never blocks. An error says that
	// nobody was asked. It wraps [ErrKind] if the adapter can't ask what q.Op asks.
	Ask(q *Query) error

	// Servers returns how many nodes have the namespace open, with this one. It waits
	// for the network.
	Servers(ctx context.Context) (int, error)

	// Room tells the adapter that a room has its first member on this node, or that it
	// has none any more. A socket's id is a room too, with own set. It does not block,
	// and must not call [Local]. Adapters whose nodes hear everything need not care.
	Room(name string, own, here bool)

	// Close takes the namespace out of the cluster, on this node. It does not wait
	// for the network. What was published before is still sent; Publish and Ask return
	// [ErrClosed] from now on, and the questions asked here end with it. An operation that is arriving at the moment may still
	// be applied. The namespace may be opened again.
	Close()
}

// Local is what a namespace offers to its adapter. Operations of one publisher must
// be handed to Apply and Answer one after the other, in their order.
type Local interface {
	// Apply carries out op on the sockets of this node. It does not block and keeps
	// op: the adapter must not change it afterwards.
	Apply(op *Operation)

	// Answer is Apply for an operation whose sender wants to know what came of it. It
	// hands what there is to say to reply, from any goroutine, before it returns or
	// later, but not after op.Timeout: exactly one Answer of the node, and for a
	// Broadcast one of each client that acknowledges it, with Ack set. The node's may
	// come after those.
	Answer(op *Operation, reply func(Answer))

	// Wants reports whether a broadcast to room has anybody to go to on this node. It
	// lets an adapter drop a message before it is decoded.
	Wants(room string) bool
}
