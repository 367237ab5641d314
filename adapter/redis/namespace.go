package redis

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/redis/rueidis"

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

	subscribed bool // on the present connection; guarded by a.mu
	closed     atomic.Bool
}

func newNamespace(a *Adapter, name string, local adapter.Local) *namespace {
	n := &namespace{a: a, name: name, channel: a.opts.Prefix + "#" + name + "#", local: local}
	n.topics = a.wire.topics(n)
	return n
}

// Publish implements [adapter.Namespace]. It returns [ErrUnavailable],
// [ErrQueueFull], [ErrKind] or [adapter.ErrClosed], or nil if op is on its way.
func (n *namespace) Publish(op *adapter.Operation) error {
	err := ErrKind
	switch {
	case n.closed.Load():
		err = adapter.ErrClosed
	case op.Kind == adapter.Broadcast:
		err = n.a.queue.put(item{n: n, op: op})
	}
	if err != nil {
		n.a.counts.dropped.Add(1)
	}
	return err
}

// Ask implements [adapter.Namespace]. It returns [ErrKind].
func (n *namespace) Ask(*adapter.Query) error { return ErrKind }

// Servers implements [adapter.Namespace]. It returns [ErrKind].
func (n *namespace) Servers(context.Context) (int, error) { return 0, ErrKind }

// Room implements [adapter.Namespace]. The pattern matches the channels of all rooms.
func (n *namespace) Room(string, bool, bool) {}

// Close implements [adapter.Namespace].
func (n *namespace) Close() {
	if !n.closed.Swap(true) {
		n.a.close(n)
	}
}

// appendMessage appends op as it is published.
func (n *namespace) appendMessage(dst []byte, c *codec, op *adapter.Operation) ([]byte, error) {
	typ := packetEvent
	if n.a.opts.SocketIO2 && len(op.Event.Attachments) > 0 {
		typ = packetBinaryEvent
	}
	return c.appendBroadcast(dst, n.a.uid, n.name, typ, op)
}

// receive applies a message that arrived for the namespace. What cannot be decoded
// is nothing: it may come from any program that uses the same Redis.
func (n *namespace) receive(c *codec, m rueidis.PubSubMessage) {
	b := bytesOf(m.Message)
	op, err := c.decodeBroadcast(b, n.a.uid, n.name)
	switch {
	case err != nil:
		n.a.counts.undecodable.Add(1)
		n.a.log.LogAttrs(context.Background(), slog.LevelDebug, "redis: dropped a message that makes no sense",
			slog.String("channel", m.Channel), slog.Int("bytes", len(b)), slog.Any("error", err))
	case op != nil:
		n.a.counts.received.Add(1)
		n.local.Apply(op)
	}
}
