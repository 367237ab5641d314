package adapter

import "time"

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
	// Fetch asks for the selected sockets. It is only asked, never published.
	Fetch
	// Rooms asks for the names of all rooms, with the ids of sockets. It is only
	// asked, never published.
	Rooms
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

	// Logged is where a Broadcast is in the log of a [Keeper].
	Logged Logged

	// Event is what a Broadcast sends, and what ServerSide tells.
	Event Event
	// Names are the rooms of Join and Leave.
	Names []string
	// Close says that Disconnect closes whole connections.
	Close bool
	// Brief says that a Fetch wants ids only.
	Brief bool

	// Timeout is how long the sender of a question waits for answers. It is positive
	// for what is asked and has no meaning for what is published.
	Timeout time.Duration
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

// An Answer is what a node, or one of its clients, says to a question. It is
// immutable once it was given.
type Answer struct {
	// Node is the id of the node that answers, "" if it did not say: servers of
	// Node.js have no names. The adapter sets it.
	Node string

	// Ack says that this is not the node's answer but the acknowledgement of a client,
	// to a Broadcast.
	Ack bool
	// Socket is the client's id, "" if the adapter does not carry it.
	Socket string

	// Sockets are those that a Fetch has selected.
	Sockets []Socket
	// Rooms are the names that Rooms has asked for.
	Rooms []string
	// Count is the number of sockets that a Broadcast, Join, Leave or Disconnect has
	// selected. After a Broadcast, so many acknowledgements may come.
	Count int
	// Value is what a handler of ServerSide has returned, as one JSON value, and what a
	// client has acknowledged with, as a JSON array of the arguments.
	Value Event
	// Err is why a handler of ServerSide has failed, "" if it did not. Servers of
	// Node.js do not tell.
	Err string
}

// A Socket is a socket as its node describes it.
type Socket struct {
	ID        string
	Rooms     []string // with its own id
	Handshake []byte   // JSON; nil if the question was Brief
	Data      Event    // one JSON value; nil if there is none
}
