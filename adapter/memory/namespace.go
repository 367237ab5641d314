package memory

import (
	"context"
	"strconv"

	"github.com/damso/damso/adapter"
)

type namespace struct {
	// Set once.
	node    *Node
	name    string
	local   adapter.Local
	queries adapter.Queries // those asked here

	// Guarded by node.bus.mu.
	closed bool
	asked  uint64 // number of queries
}

// usable returns nil, or why nothing can be sent; bus.mu is held.
func (n *namespace) usable() error {
	switch {
	case n.closed:
		return adapter.ErrClosed
	case n.node.run != running:
		return ErrUnavailable
	}
	return nil
}

// keep holds q until it ends; bus.mu is held.
func (n *namespace) keep(q *adapter.Query) error {
	n.asked++
	return n.queries.Add(strconv.FormatUint(n.asked, 10), q)
}

// fail ends all queries.
func (n *namespace) fail(err error) {
	n.queries.Each(func(q *adapter.Query) { q.Fail(err) })
}

// lose tells the queries that were asked that a node will not answer, behind what it
// has answered; bus.mu is held.
func (n *namespace) lose(id string) {
	var asked []*adapter.Query
	n.queries.Each(func(q *adapter.Query) { asked = append(asked, q) })
	n.node.notify(func() {
		for _, q := range asked {
			q.Lost(id)
		}
	})
}

// Publish implements [adapter.Namespace]. It returns [ErrUnavailable],
// [ErrQueueFull], [adapter.ErrKind] or [adapter.ErrClosed], or nil. After ErrQueueFull, those nodes that
// had room get op.
func (n *namespace) Publish(op *adapter.Operation) error { return n.node.bus.publish(n, op) }

// Ask implements [adapter.Namespace]. It returns [ErrUnavailable], [adapter.ErrClosed],
// [adapter.ErrKind], [adapter.ErrTooManyQueries] or nil. A node whose queue is full is lost.
func (n *namespace) Ask(q *adapter.Query) error { return n.node.bus.ask(n, q) }

// Servers implements [adapter.Namespace]. It does not wait.
func (n *namespace) Servers(context.Context) (int, error) { return n.node.bus.servers(n) }

// Room implements [adapter.Namespace]. All nodes hear everything.
func (n *namespace) Room(string, bool, bool) {}

// Close implements [adapter.Namespace]. Queries asked here end with
// [adapter.ErrClosed]; those of other nodes do not wait for this one.
func (n *namespace) Close() {
	bus := n.node.bus
	bus.mu.Lock()
	defer bus.mu.Unlock()
	if n.closed {
		return
	}
	n.closed = true
	delete(n.node.namespaces, n.name)
	n.fail(adapter.ErrClosed)
	for _, other := range bus.nodes {
		if theirs := other.namespaces[n.name]; theirs != nil {
			theirs.lose(n.node.id)
		}
	}
}
