package limit

import (
	"container/list"
	"time"

	"golang.org/x/time/rate"
)

// buckets are those of users and addresses, as many as may be remembered.
type buckets struct {
	max     int
	byKey   map[bucketKey]*list.Element // of *bucket
	recent  *list.List                  // what was used last is in front
	evicted uint64                      // that were not full again
}

type bucketKey struct {
	rule *rule
	who  string
}

type bucket struct {
	key     bucketKey
	limiter *rate.Limiter
	full    time.Time // by then it is, whatever was taken
}

func newBuckets(limit int) buckets {
	return buckets{max: limit, byKey: map[bucketKey]*list.Element{}, recent: list.New()}
}

// get returns the bucket of a key, a full one if there is none.
func (b *buckets) get(k bucketKey, now time.Time) *rate.Limiter {
	e := b.byKey[k]
	if e == nil {
		e = b.recent.PushFront(&bucket{key: k, limiter: rate.NewLimiter(k.rule.limit, k.rule.burst)})
		b.byKey[k] = e
	}
	b.recent.MoveToFront(e)
	used := e.Value.(*bucket)
	used.full = now.Add(k.rule.refill)
	b.forget(now)
	return used.limiter
}

// forget lets two go that are full again, so that those of a great rush vanish after
// it, and makes room.
func (b *buckets) forget(now time.Time) {
	for range 2 {
		oldest := b.recent.Back()
		if now.Before(oldest.Value.(*bucket).full) {
			break
		}
		b.remove(oldest)
	}
	if len(b.byKey) > b.max {
		b.remove(b.recent.Back())
		b.evicted++
	}
}

func (b *buckets) remove(e *list.Element) {
	delete(b.byKey, e.Value.(*bucket).key)
	b.recent.Remove(e)
}
