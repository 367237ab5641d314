package redis

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/rueidis"
)

const (
	maxBatch      = 512       // operations in one round trip
	maxBatchBytes = 256 << 10 // a batch ends with the message that reaches this
	maxKeptBuffer = 1 << 20   // a larger buffer is not kept for the next batch
)

// A publisher holds what is used again from one batch to the next.
type publisher struct {
	codec  codec
	items  []item
	buffer []byte              // the channels and messages of a batch, one after the other
	parts  []part              // where they are
	cmds   []rueidis.Completed // what is sent
}

// A part is one publication in a buffer: the channel goes to message, the message to end.
type part struct{ channel, message, end int }

// publish sends what is queued, all that waits in one round trip, until the
// connection fails or ctx ends.
func (l *link) publish(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.a.queue.wake:
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
}

// flush sends what is queued now.
func (l *link) flush() error {
	l.tx.items = l.a.queue.swap(l.tx.items)
	for rest := l.tx.items; len(rest) > 0; {
		n := l.encode(rest)
		if err := l.send(); err != nil {
			l.a.counts.dropped.Add(uint64(len(rest) - n))
			return fmt.Errorf("publish: %w", err)
		}
		rest = rest[n:]
	}
	return nil
}

// encode makes a batch of the first n items.
func (l *link) encode(items []item) (n int) {
	tx := &l.tx
	if cap(tx.buffer) > maxKeptBuffer {
		tx.buffer = nil
	}
	buf := tx.buffer[:0]
	tx.parts = tx.parts[:0]
	for n < len(items) && n < maxBatch && len(buf) < maxBatchBytes {
		i := items[n]
		n++
		p := part{channel: len(buf)}
		buf = i.n.appendChannel(buf, i.op)
		p.message = len(buf)
		var err error
		if buf, err = i.n.appendMessage(buf, &tx.codec, i.op); err != nil {
			l.a.counts.dropped.Add(1)
			l.a.log.Warn("redis: cannot encode an event", slog.String("namespace", i.n.name), slog.Any("error", err))
			buf = buf[:p.channel]
			continue
		}
		p.end = len(buf)
		tx.parts = append(tx.parts, p)
	}
	tx.buffer = buf
	return n
}

// send publishes the batch. An error reply of Redis is a failure like a broken
// connection: it says that the other nodes cannot be reached this way.
func (l *link) send() (err error) {
	tx := &l.tx
	if len(tx.parts) == 0 {
		return nil
	}
	tx.cmds = tx.cmds[:0]
	for _, p := range tx.parts {
		channel := rueidis.BinaryString(tx.buffer[p.channel:p.message])
		message := rueidis.BinaryString(tx.buffer[p.message:p.end])
		tx.cmds = append(tx.cmds, l.pub.B().Publish().Channel(channel).Message(message).Build())
	}
	// Without a deadline of its own: the connection has one for each command.
	for _, r := range l.pub.DoMulti(context.Background(), tx.cmds...) {
		if failed := r.Error(); failed != nil {
			l.a.counts.dropped.Add(1)
			err = failed
			continue
		}
		l.a.counts.published.Add(1)
	}
	return err
}
