package redis

import (
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
)

// StreamOptions are the choices of mode [Streams]. The zero value is what
// @socket.io/redis-streams-adapter 0.3 does if nothing is said. Its channelPrefix is
// [Options.Prefix]. It has three options that do nothing here: heartbeatInterval and
// heartbeatTimeout, which it does not use either, and onlyPlaintext, which spares it a look
// for binary parts.
type StreamOptions struct {
	// Name is that of the stream, and how the names of several begin: "streamName". If
	// empty, it is [Options.Prefix].
	Name string

	// Count is how many streams the namespaces are spread over: "streamCount". Each has
	// a connection of its own. All servers of a cluster have the same number. If zero,
	// it is 1.
	Count int

	// MaxLen is about how many entries a stream keeps: "maxLen". A node that was away
	// for longer than that has lost what is no longer there. If zero, it is 10,000.
	MaxLen int

	// ReadCount is how many entries are read at once at most: "readCount". If zero, it
	// is 100.
	ReadCount int

	// BlockTime is how long Redis lets a reader wait for entries before it answers that
	// there are none: "blockTimeInMs". A proxy on the way may want it to be short. It is
	// never longer than a second by much, since the node's own sign of life ends it. If
	// zero, it is 5 seconds; less than a millisecond is one.
	BlockTime time.Duration

	// SessionPrefix begins the keys of the sessions of clients that may come back:
	// "sessionKeyPrefix". All servers of a cluster have the same. If empty, it is
	// "sio:session:".
	SessionPrefix string

	// Sharded uses sharded PUB/SUB, of Redis 7, for questions and answers:
	// "useShardedPubSub". All servers of a cluster do, or none.
	Sharded bool
}

func (o *StreamOptions) setDefaults(prefix string) {
	if o.Name == "" {
		o.Name = prefix
	}
	o.Count = max(o.Count, 1)
	if o.MaxLen == 0 {
		o.MaxLen = 10_000
	}
	if o.ReadCount == 0 {
		o.ReadCount = 100
	}
	if o.BlockTime == 0 {
		o.BlockTime = 5 * time.Second
	}
	if o.SessionPrefix == "" {
		o.SessionPrefix = "sio:session:"
	}
}

// names returns the names of all streams that a namespace may have.
func (o *StreamOptions) names() []string {
	if o.Count == 1 {
		return []string{o.Name}
	}
	names := make([]string, 0, 2*o.Count-1) // the number of one may be negative
	for i := -o.Count + 1; i < o.Count; i++ {
		names = append(names, o.Name+"-"+strconv.Itoa(i))
	}
	return names
}

// streams is the wire of @socket.io/redis-streams-adapter. What is published is added
// to a stream; questions and answers, which are not worth keeping, go over PUB/SUB.
type streams struct{ opts StreamOptions }

func (w streams) kind() topicKind {
	if w.opts.Sharded {
		return byShard
	}
	return byChannel
}

// topics implements wire. The other servers take the number of subscribers of the
// public channel for the number of servers.
func (w streams) topics(n *namespace) []topic {
	return []topic{{w.kind(), n.channel}, {w.kind(), n.private(n.a.uid)}}
}

// room implements wire. A stream has the events of all rooms.
func (streams) room(*namespace, string, bool) (topic, bool) { return topic{}, false }

// asks implements wire.
func (streams) asks(op *adapter.Operation) bool { return asksInCluster(op) }

// encode implements wire. What a server-side event says is not worth keeping either.
func (w streams) encode(b *batch, i item) error {
	n := i.n
	switch {
	case i.count != nil:
		b.count(n, topic{w.kind(), n.channel}, n.channel, i.count)
		return nil
	case i.answer != nil:
		return w.send(b, n.private(i.to.from), n.answerMessage(i.to, i.answer))
	case i.q != nil:
		m, err := i.question()
		if err != nil {
			return err
		}
		b.expectAll(n, i.q, topic{w.kind(), n.channel}, n.channel)
		return w.send(b, n.channel, m)
	case i.op.Kind == adapter.ServerSide:
		return w.send(b, n.channel, n.message(i.op, ""))
	}
	return w.append(b, n.message(i.op, ""))
}

// append adds a message to its stream.
func (w streams) append(b *batch, m *clusterwire.Message) error {
	data, err := b.write(func(dst []byte) ([]byte, error) { return b.codec.encoder.AppendData(dst, m) })
	if err != nil {
		return err
	}
	entry := b.l.client.B().Xadd().Key(clusterwire.Stream(w.opts.Name, m.Namespace, w.opts.Count)).
		Maxlen().Almost().Threshold(strconv.Itoa(w.opts.MaxLen)).Id("*").FieldValue().
		FieldValue("uid", m.UID).FieldValue("nsp", m.Namespace).
		FieldValue("type", strconv.Itoa(int(m.Type))).FieldValue("data", data)
	if m.Op.Logged.Own != 0 {
		entry = entry.FieldValue(ownField, number(m.Op.Logged.Own))
	}
	b.add(entry.Build(), nil)
	return nil
}

// send publishes a message, which is MessagePack here.
func (w streams) send(b *batch, channel string, m *clusterwire.Message) error {
	message, err := b.write(func(dst []byte) ([]byte, error) { return b.codec.encoder.Append(dst, m, true) })
	if err == nil {
		b.publish(w.kind(), channel, message)
	}
	return err
}

// receive implements wire.
func (streams) receive(n *namespace, c *codec, m rueidis.PubSubMessage) { n.receiveMessage(c, m) }
