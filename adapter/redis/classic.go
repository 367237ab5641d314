package redis

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// classic is the wire of @socket.io/redis-adapter's createAdapter, and of socket.io-redis.
type classic struct {
	exact bool // rooms are subscribed one by one
}

// topics implements wire. The other servers take the number of subscribers of the
// request channel for the number of servers.
func (w classic) topics(n *namespace) []topic {
	events := topic{byPattern, globEscaper.Replace(n.channel) + "*"}
	if w.exactly(n) {
		events = topic{byChannel, n.channel}
	}
	return []topic{
		events,
		{byChannel, n.requests()},
		{byChannel, n.responses()},
		{byChannel, n.responses() + n.a.uid + "#"},
	}
}

// globEscaper escapes what has a meaning in Redis's patterns.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// requests returns the channel on which all servers are asked.
func (n *namespace) requests() string { return n.a.opts.Prefix + "-request#" + n.name + "#" }

// responses returns the channel on which they answer. With a uid and "#" after it,
// that server alone listens.
func (n *namespace) responses() string { return n.a.opts.Prefix + "-response#" + n.name + "#" }

// room implements wire. A pattern matches the channels of all rooms.
func (w classic) room(n *namespace, name string, _ bool) (topic, bool) {
	if !w.exactly(n) {
		return topic{}, false
	}
	return topic{byChannel, n.channel + name + "#"}, true
}

// exactly reports whether rooms of n are subscribed one by one. With # in a name, a room
// of one namespace may have the channel of another.
func (w classic) exactly(n *namespace) bool { return w.exact && !strings.Contains(n.name, "#") }

// asks implements wire. Of a single socket its server alone is asked.
func (classic) asks(op *adapter.Operation) bool {
	switch op.Kind {
	case adapter.Broadcast, adapter.ServerSide, adapter.Fetch, adapter.Rooms:
		return true
	case adapter.Join, adapter.Leave:
		return len(op.Names) == 1 && len(op.Rooms) == 1 && len(op.Except) == 0
	case adapter.Disconnect:
		return len(op.Rooms) == 1 && len(op.Except) == 0
	}
	return false
}

// encode implements wire.
func (w classic) encode(b *batch, i item) error {
	switch {
	case i.count != nil:
		b.count(i.n, topic{byChannel, i.n.requests()}, i.n.responses(), i.count)
		return nil
	case i.answer != nil:
		return w.answer(b, i)
	case i.q != nil:
		return w.ask(b, i)
	case i.walk != nil:
		return w.step(b, i.n, *i.walk)
	case i.op.Kind == adapter.Broadcast:
		return w.broadcast(b, i, "")
	}
	return w.request(b, i, "")
}

// broadcast publishes an event for clients. ask is the id of a question, if it is
// one: all servers have to look at it then.
func (classic) broadcast(b *batch, i item, ask string) error {
	n := i.n
	message, err := b.write(func(dst []byte) ([]byte, error) {
		return b.codec.appendBroadcast(dst, n.a.uid, n.name, n.packetType(i.op), i.op, ask)
	})
	if err != nil {
		return err
	}
	channel := n.channel
	if ask == "" {
		channel, err = b.write(func(dst []byte) ([]byte, error) { return n.appendChannel(dst, i.op), nil })
	}
	if i.op.Logged.Own != 0 && ask == "" {
		n.kept.publish(b, i.op, channel, message)
		return err
	}
	b.publish(byChannel, channel, message)
	return err
}

// appendChannel appends the channel that a broadcast is published to.
func (n *namespace) appendChannel(dst []byte, op *adapter.Operation) []byte {
	dst = append(dst, n.channel...)
	if len(op.Rooms) == 1 {
		dst = append(append(dst, op.Rooms[0]...), '#')
	}
	return dst
}

// packetType returns the type of the packet for an event.
func (n *namespace) packetType(op *adapter.Operation) int {
	if n.a.opts.SocketIO2 && len(op.Event.Attachments) > 0 {
		return packetBinaryEvent
	}
	return packetEvent
}

// request publishes what is asked of the servers. An id wants answers.
func (w classic) request(b *batch, i item, id string) error {
	message, err := b.write(func(dst []byte) ([]byte, error) { return b.codec.appendRequest(dst, i.n, i.op, id) })
	if err != nil {
		return err
	}
	b.publish(byChannel, i.n.requests(), message)
	if i.n.a.opts.SocketIO2 {
		return w.also(b, i, id)
	}
	return nil
}

// ask publishes a question. The servers are counted right before it, so that no other
// command of this node is between.
func (w classic) ask(b *batch, i item) error {
	id := newUID()
	if err := i.n.queries.Add(id, i.q); err != nil {
		return err
	}
	if i.n.closed.Load() {
		return adapter.ErrClosed
	}
	if single(i.op.Kind) {
		i.q.Expect(nil, 1)
		return w.request(b, i, id)
	}
	b.expectAll(i.n, i.q, topic{byChannel, i.n.requests()}, i.n.responses())
	if i.op.Kind == adapter.Broadcast && i.n.a.opts.SocketIO2 {
		return w.broadcast(b, i, id)
	}
	return w.request(b, i, id)
}

// answer publishes an answer.
func (classic) answer(b *batch, i item) error {
	channel, as := i.n.way(i.to, i.answer)
	message, err := b.write(func(dst []byte) ([]byte, error) {
		return b.codec.appendAnswer(dst, i.n.a.uid, i.to, i.answer, as)
	})
	if err == nil {
		b.publish(byChannel, channel, message)
	}
	return err
}

// way returns the channel on which a question is answered, and in which form. Servers
// with socket.io 2 listen to the common channel only, where all must be JSON for them.
func (n *namespace) way(to question, a *adapter.Answer) (channel string, as form) {
	opts := &n.a.opts
	own := opts.SpecificResponseChannel && to.form != typeServerSide // as @socket.io/redis-adapter has it
	switch {
	case a.Ack:
		as, own = packed, own || opts.SocketIO2
	case !opts.SocketIO2:
		as = mixed
	case to.from != "" && isBinary(a):
		as, own = mixed, true
	default:
		as = text
	}
	if own && to.from != "" {
		return n.responses() + to.from + "#", as
	}
	return n.responses(), as
}

// isBinary reports whether an answer has binary parts.
func isBinary(a *adapter.Answer) bool {
	return len(a.Value.Attachments) > 0 ||
		slices.ContainsFunc(a.Sockets, func(s adapter.Socket) bool { return len(s.Data.Attachments) > 0 })
}

// receive implements wire.
func (w classic) receive(n *namespace, c *codec, m rueidis.PubSubMessage) {
	var err error
	b := bytesOf(m.Message)
	switch {
	case strings.HasPrefix(m.Channel, n.channel):
		err = w.event(n, c, m.Channel, b)
	case m.Channel == n.requests():
		err = n.request(c, b)
	case n.moved(b):
	default:
		err = n.response(c, b)
	}
	if err != nil {
		n.undecodable(m.Channel, len(b), err)
	}
}

// event takes a message on a channel for events. What goes to a room that nobody is
// in is not looked at.
func (classic) event(n *namespace, c *codec, channel string, b []byte) error {
	room := strings.TrimSuffix(channel[len(n.channel):], "#")
	if room != "" && !n.local.Wants(room) {
		n.seen(b)
		return nil
	}
	op, to, err := c.decodeBroadcast(b, n.a.uid, n.name)
	switch {
	case err != nil || op == nil:
		n.seen(b)
		return err
	case to.id == "":
		n.apply(op)
	default:
		n.ask(op, to)
	}
	return nil
}

// bytesOf returns the bytes of a message. They are never written to, neither here
// nor, by the contract of [adapter.Operation], by those who get parts of them.
func bytesOf(message string) []byte {
	return unsafe.Slice(unsafe.StringData(message), len(message))
}
