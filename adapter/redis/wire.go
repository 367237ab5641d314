package redis

import (
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// A wire is one way to be in a cluster over Redis: which topics a namespace listens
// to, which commands an item becomes, and what a message means. The rest of the
// adapter, its connections, its queue, its readiness and its counts, is the same for
// all of them. A wire has no state of its own but what never changes.
type wire interface {
	// topics returns what n subscribes to while it is open.
	topics(n *namespace) []topic

	// room returns the topic of a room that has members here, false if what is sent to
	// the room arrives on the others. own says that it is a socket's id.
	room(n *namespace, name string, own bool) (topic, bool)

	// asks reports whether op can be asked.
	asks(op *adapter.Operation) bool

	// encode adds the commands to b that carry out i. It is called by the goroutine that
	// publishes, in the order of the queue. After an error nothing of i is sent.
	encode(b *batch, i item) error

	// receive takes a message of one of n's topics. It is called by the reader of the
	// connection, one message after the other, and must not block. c is the reader's.
	receive(n *namespace, c *codec, m rueidis.PubSubMessage)
}

// A topic is something to subscribe to. It is known by its name, which is what
// arrives with its messages: as the pattern, or as the channel.
type topic struct {
	kind topicKind
	name string
}

type topicKind uint8

const (
	byChannel topicKind = iota // SUBSCRIBE
	byPattern                  // PSUBSCRIBE
	byShard                    // SSUBSCRIBE
	topicKinds
)

// subscribe returns the command that subscribes or unsubscribes topics of a kind.
func (k topicKind) subscribe(b rueidis.Builder, on bool, names []string) rueidis.Completed {
	switch {
	case k == byShard && on:
		return b.Ssubscribe().Channel(names...).Build()
	case k == byShard:
		return b.Sunsubscribe().Channel(names...).Build()
	case k == byChannel && on:
		return b.Subscribe().Channel(names...).Build()
	case k == byChannel:
		return b.Unsubscribe().Channel(names...).Build()
	case on:
		return b.Psubscribe().Pattern(names...).Build()
	}
	return b.Punsubscribe().Pattern(names...).Build()
}

// explain makes plain what an old Redis means that does not know sharded channels.
func (k topicKind) explain(err error) error {
	if e, ok := rueidis.IsRedisErr(err); ok && k == byShard && strings.HasPrefix(e.Error(), "unknown command") {
		return fmt.Errorf("%w: %w", ErrNoShards, err)
	}
	return err
}
