package redis

import (
	"strings"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
)

// sharded is the wire of @socket.io/redis-adapter's createShardedAdapter.
type sharded struct{ rooms clusterwire.Subscription }

// topics implements wire. The other servers take the number of subscribers of the
// public channel for the number of servers.
func (sharded) topics(n *namespace) []topic {
	return []topic{{byShard, n.channel}, {byShard, n.private(n.a.uid)}}
}

// private returns the channel of the server with that uid.
func (n *namespace) private(uid string) string { return n.channel + uid + "#" }

// room implements wire. Servers of Node.js also listen to a room that looks like the
// id of a socket but is none; nobody publishes to that.
func (w sharded) room(n *namespace, name string, _ bool) (topic, bool) {
	if w.rooms == clusterwire.Static || w.rooms == clusterwire.Dynamic && clusterwire.LikeID(name) {
		return topic{}, false
	}
	return topic{byShard, n.channel + name + "#"}, true
}

// asks implements wire.
func (sharded) asks(op *adapter.Operation) bool { return asksInCluster(op) }

// encode implements wire.
func (w sharded) encode(b *batch, i item) error {
	n := i.n
	switch {
	case i.count != nil:
		b.count(n, topic{byShard, n.channel}, n.channel, i.count)
		return nil
	case i.answer != nil:
		return w.send(b, n.private(i.to.from), n.answerMessage(i.to, i.answer))
	case i.q != nil:
		m, err := i.question()
		if err != nil {
			return err
		}
		b.expectAll(n, i.q, topic{byShard, n.channel}, n.channel)
		return w.send(b, n.channel, m)
	}
	channel := n.channel
	if room, ok := w.rooms.RoomChannel(i.op); ok {
		channel += room + "#"
	}
	return w.send(b, channel, n.message(i.op, ""))
}

func (sharded) send(b *batch, channel string, m *clusterwire.Message) error {
	message, err := b.write(func(dst []byte) ([]byte, error) { return b.codec.encoder.Append(dst, m, false) })
	if err == nil {
		b.publish(byShard, channel, message)
	}
	return err
}

// receive implements wire. What goes to a room that nobody is in is not looked at.
func (sharded) receive(n *namespace, c *codec, m rueidis.PubSubMessage) {
	if m.Channel != n.channel && m.Channel != n.private(n.a.uid) {
		room := strings.TrimSuffix(strings.TrimPrefix(m.Channel, n.channel), "#")
		if !n.local.Wants(room) {
			return
		}
	}
	n.receiveMessage(c, m)
}

// receiveMessage hears a message that was published.
func (n *namespace) receiveMessage(c *codec, m rueidis.PubSubMessage) {
	message, err := c.decoder.Decode(bytesOf(m.Message), n.a.uid, n.name)
	if err == nil && message != nil {
		err = n.hear(message)
	}
	if err != nil {
		n.undecodable(m.Channel, len(m.Message), err)
	}
}
