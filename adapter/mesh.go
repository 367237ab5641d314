package adapter

import "errors"

var (
	// ErrNode means that no node of that name is known to be alive, or that it is this
	// one.
	ErrNode = errors.New("adapter: no such node")

	// ErrTooLarge means that the adapter can't carry so many bytes at once. What an
	// adapter can carry, its package says; it is 1,000,000 bytes at least unless what
	// is beneath was told to take less.
	ErrTooLarge = errors.New("adapter: message is too large")

	// ErrFull means that too much waits to be sent. There may be room a moment later.
	ErrFull = errors.New("adapter: too much waits to be sent")
)

// A Mesh is what an [Adapter] offers besides, if it knows the other Damso nodes by
// name: messages from one to another, and who is alive. Servers of Node.js take no
// part in it. It is safe for concurrent use.
type Mesh interface {
	// Node returns the id of this node: 6 characters of A-Z, a-z, 0-9, "-" and "_",
	// chosen at random when the process starts.
	Node() string

	// Nodes returns the ids of the nodes that are alive, this one among them, sorted.
	// A node that dies is missed within seconds; one that stops says so.
	Nodes() []string

	// Send passes a message to a node, or with "" to all others. It never blocks and
	// keeps message. Messages to one node arrive in their order, at most once. An error
	// says that it was not sent: it wraps [ErrNode] if to is not one of the others of
	// Nodes, [ErrTooLarge], and [ErrFull] if the way to the nodes is there and the
	// message may be sent a little later.
	Send(to string, message []byte) error

	// Receive sets what is called with messages of other nodes, one at a time, and must
	// not block. It is called before Run, once.
	Receive(f func(from string, message []byte))

	// Watch adds a function that is called when another node comes or goes, one at a
	// time; those that were there before this node come as it hears of them. A node has
	// come before its first message is handed to Receive. f must not block. Watch is
	// called before Run.
	Watch(f func(node string, alive bool))
}

// A MeshEcho is a [Mesh] that may learn of messages that nobody has heard.
type MeshEcho interface {
	Mesh

	// Unheard sets what is called when a message to a node has found nobody who listens,
	// once or more: the node was killed, and is not missed yet, or is cut off. It is called
	// with "" when this node was cut off itself, and hears again: any message may have
	// been lost meanwhile. That it is not called means nothing. f must not block. Unheard
	// is called before Run, once.
	Unheard(f func(node string))
}
