package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/damso/damso/adapter"
)

type namespace struct {
	// Set once.
	adapter *Adapter
	name    string
	space   space
	subject string
	local   adapter.Local
	queries adapter.Queries // those asked here

	// Guarded by adapter.mu.
	subscribed bool
	closed     bool
}

func (n *namespace) isClosed() bool {
	n.adapter.mu.RLock()
	defer n.adapter.mu.RUnlock()
	return n.closed
}

// Publish implements [adapter.Namespace]. It returns [ErrUnavailable], [ErrQueueFull],
// [adapter.ErrKind], [adapter.ErrTooLarge] or [adapter.ErrClosed], or nil.
func (n *namespace) Publish(op *adapter.Operation) error {
	if op.Kind < adapter.Broadcast || op.Kind > adapter.ServerSide {
		return fmt.Errorf("nats: publish kind %d: %w", op.Kind, adapter.ErrKind)
	}
	if n.isClosed() {
		return adapter.ErrClosed
	}
	return n.adapter.put(n.subject, &frame{kind: publishFrame, space: n.space, op: op}, nil)
}

// Ask implements [adapter.Namespace]. It returns what Publish does, and
// [adapter.ErrTooManyQueries].
func (n *namespace) Ask(q *adapter.Query) error {
	if q.Op.Kind < adapter.Broadcast || q.Op.Kind > adapter.Rooms {
		return fmt.Errorf("nats: ask kind %d: %w", q.Op.Kind, adapter.ErrKind)
	}
	f := &frame{kind: askFrame, space: n.space, query: n.adapter.asked.Add(1), op: q.Op}
	err := n.adapter.put(n.subject, f, func() error {
		if n.isClosed() {
			return adapter.ErrClosed
		}
		return n.queries.Add(key(f.query), q)
	})
	if err != nil {
		return err
	}
	q.Expect(n.adapter.peers.with(n.space), 0)
	if n.isClosed() { // while it was asked
		q.Fail(adapter.ErrClosed)
	}
	return nil
}

func key(query uint64) string { return strconv.FormatUint(query, 36) }

// Servers implements [adapter.Namespace]. It does not wait: the nodes tell what they
// have open.
func (n *namespace) Servers(context.Context) (int, error) {
	if n.isClosed() {
		return 0, adapter.ErrClosed
	}
	if err := n.adapter.Ready(); err != nil {
		return 0, err
	}
	return len(n.adapter.peers.with(n.space)) + 1, nil
}

// Room implements [adapter.Namespace]. All nodes hear everything.
func (n *namespace) Room(string, bool, bool) {}

// Close implements [adapter.Namespace]. Queries asked here end with
// [adapter.ErrClosed]; those of other nodes do not wait for this one.
func (n *namespace) Close() {
	if !n.adapter.close(n) {
		return
	}
	n.fail(adapter.ErrClosed)
}

func (a *Adapter) close(n *namespace) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n.closed {
		return false
	}
	n.closed = true
	delete(a.namespaces, n.space)
	a.changed()
	return true
}

// fail ends all queries.
func (n *namespace) fail(err error) {
	n.queries.Each(func(q *adapter.Query) { q.Fail(err) })
}

// lose tells all queries that a node will not answer.
func (n *namespace) lose(id string) {
	n.queries.Each(func(q *adapter.Query) { q.Lost(id) })
}

// errAnswer is what is answered if the answer is too large.
const errAnswer = "the answer is too large for NATS"

// answer answers a question of another node.
func (n *namespace) answer(f *frame) {
	n.local.Answer(f.op, func(a adapter.Answer) {
		reply := &frame{kind: answerFrame, space: n.space, query: f.query, answer: a}
		err := n.adapter.put(n.adapter.inbox(f.from.ID), reply, nil)
		if errors.Is(err, adapter.ErrTooLarge) {
			reply.answer = adapter.Answer{Ack: a.Ack, Socket: a.Socket, Count: a.Count, Err: errAnswer}
			n.adapter.put(n.adapter.inbox(f.from.ID), reply, nil) // put has counted it if that fails, too
		}
	})
}
