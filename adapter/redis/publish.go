package redis

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/rueidis"
)

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
		case <-l.a.saves.wake:
			if err := l.save(); err != nil {
				return err
			}
		}
	}
}

// flush sends what is queued now.
func (l *link) flush() error {
	l.items = l.a.queue.swap(l.items)
	for rest := l.items; len(rest) > 0; {
		n := l.encode(rest)
		if err := l.tx.send(); err != nil {
			l.a.drop(rest[n:], ErrUnavailable)
			return fmt.Errorf("publish: %w", err)
		}
		rest = rest[n:]
	}
	return nil
}

// encode makes a batch of the first n items.
func (l *link) encode(items []item) (n int) {
	l.tx.reset()
	for n < len(items) && n < maxBatch && len(l.tx.buffer) < maxBatchBytes {
		i := items[n]
		n++
		switch {
		case i.mail != nil:
			l.post(i.mail)
			continue
		case i.call != nil:
			i.call.add(&l.tx)
			continue
		case i.canary != nil:
			i.canary.send(&l.tx)
			continue
		}
		if err := l.a.wire.encode(&l.tx, i); err != nil {
			l.a.drop([]item{i}, err)
			l.a.log.Warn("redis: cannot encode an operation", slog.String("namespace", i.n.name), slog.Any("error", err))
		}
	}
	return n
}

// post adds a letter to the batch. Messages are counted, signs of life are not.
func (l *link) post(m *mail) {
	message := rueidis.BinaryString(m.letter)
	publish := l.pub.B().Publish().Channel(m.channel).Message(message).Build()
	l.tx.add(publish, func(r rueidis.RedisResult) {
		hearers, err := r.AsInt64()
		switch counts := &l.a.counts; {
		case err != nil && !m.urgent:
			counts.dropped.Add(1)
		case !m.urgent:
			counts.published.Add(1)
		}
		if err != nil {
			l.fail(fmt.Errorf("publish: %w", err))
			return
		}
		l.posted(m, hearers)
	})
}
