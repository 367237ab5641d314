package redis

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/damso/damso/adapter"
)

// A namespace is one Socket.IO namespace on Redis.
type namespace struct {
	// Set by newNamespace, then never written.
	a       *Adapter
	name    string
	channel string // of broadcasts; a room's is channel + room + "#"
	local   adapter.Local
	topics  []topic // what it listens to
	opened  time.Time

	kept      *kept     // nil unless its sessions and events are kept
	keptLocal keptLocal // local, if they are

	streamLocal adapter.StreamLocal // local, if its own broadcasts are to come back from the stream; else nil

	queries adapter.Queries // what this node has asked
	walks   walks           // what it has asked servers with socket.io 2 besides

	subscribed bool                // on the present connection; guarded by a.mu
	rooms      map[topic]time.Time // topics of rooms: when the last member left, zero while there are some; guarded by a.mu
	closed     atomic.Bool
	hearing    sync.Mutex // held while a message is heard, where several readers have them
}

func newNamespace(a *Adapter, name string, local adapter.Local) *namespace {
	n := &namespace{
		a: a, name: name, channel: a.opts.Prefix + "#" + name + "#", local: local,
		opened: time.Now(), rooms: map[topic]time.Time{},
	}
	n.topics = a.wire.topics(n)
	return n
}

// Publish implements [adapter.Namespace]. It returns [ErrUnavailable],
// [ErrQueueFull], [ErrKind] or [adapter.ErrClosed], or nil if op is on its way.
func (n *namespace) Publish(op *adapter.Operation) error {
	switch op.Kind {
	case adapter.Broadcast, adapter.Join, adapter.Leave, adapter.Disconnect, adapter.ServerSide:
		return n.put(item{n: n, op: op})
	}
	n.a.counts.dropped.Add(1)
	return ErrKind
}

// Ask implements [adapter.Namespace]. It returns the errors of Publish. Join, Leave
// and Disconnect can be asked of a single socket only, by its id, and with a single
// name: there is one answer then, from the node that has it.
func (n *namespace) Ask(q *adapter.Query) error {
	if !n.a.wire.asks(q.Op) {
		n.a.counts.dropped.Add(1)
		return ErrKind
	}
	return n.put(item{n: n, op: q.Op, q: q})
}

// Servers implements [adapter.Namespace]. It counts the servers that listen to the
// namespace, Damso's and others.
func (n *namespace) Servers(ctx context.Context) (int, error) {
	result := make(chan counted, 1)
	if err := n.put(item{n: n, count: result}); err != nil {
		return 0, err
	}
	select {
	case c := <-result:
		return max(c.n, 1), c.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// put queues what is to be sent.
func (n *namespace) put(i item) (err error) {
	if err = adapter.ErrClosed; !n.closed.Load() {
		err = n.a.queue.put(i)
	}
	if err != nil {
		n.a.counts.dropped.Add(1)
	}
	return err
}

// Close implements [adapter.Namespace].
func (n *namespace) Close() {
	if !n.closed.Swap(true) {
		n.a.close(n)
		n.failQueries(adapter.ErrClosed)
	}
}

func (n *namespace) failQueries(err error) {
	n.queries.Each(func(q *adapter.Query) { q.Fail(err) })
}

// undecodable counts a message that makes no sense. It is nothing: it may come from
// any program that uses the same Redis.
func (n *namespace) undecodable(channel string, size int, err error) {
	n.a.counts.undecodable.Add(1)
	n.a.log.LogAttrs(context.Background(), slog.LevelDebug, "redis: dropped a message that makes no sense",
		slog.String("channel", channel), slog.Int("bytes", size), slog.Any("error", err))
}
