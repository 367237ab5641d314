package redis

import (
	"strings"
	"unsafe"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// classic is the wire of @socket.io/redis-adapter's createAdapter, and of socket.io-redis.
type classic struct{}

// topics implements wire. The other servers take the number of subscribers of the
// request channel for the number of servers.
func (classic) topics(n *namespace) []topic {
	return []topic{
		{byPattern, globEscaper.Replace(n.channel) + "*"},
	}
}

// globEscaper escapes what has a meaning in Redis's patterns.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// encode implements wire.
func (classic) encode(b *batch, i item) error {
	message, err := b.write(func(dst []byte) ([]byte, error) { return i.n.appendMessage(dst, &b.codec, i.op) })
	if err != nil {
		return err
	}
	channel, err := b.write(func(dst []byte) ([]byte, error) { return i.n.appendChannel(dst, i.op), nil })
	b.publish(channel, message)
	return err
}

// receive implements wire.
func (classic) receive(n *namespace, c *codec, m rueidis.PubSubMessage) {
	n.receive(c, m)
}

// appendChannel appends the channel that op is published to.
func (n *namespace) appendChannel(dst []byte, op *adapter.Operation) []byte {
	dst = append(dst, n.channel...)
	if len(op.Rooms) == 1 {
		dst = append(dst, op.Rooms[0]...)
		dst = append(dst, '#')
	}
	return dst
}

// bytesOf returns the bytes of a message. They are never written to, neither here
// nor, by the contract of [adapter.Operation], by those who get parts of them.
func bytesOf(message string) []byte {
	return unsafe.Slice(unsafe.StringData(message), len(message))
}
