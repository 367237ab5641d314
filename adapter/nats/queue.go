package nats

import "sync"

// An item is a frame that waits to be published.
type item struct {
	subject string
	data    []byte
}

// overhead is what an item holds in memory beside its data, about.
const overhead = 128

// A queue holds what waits to be published, in order, up to a number of items and of
// bytes. It takes items only while it is open.
type queue struct {
	// Set by newQueue, then never written.
	maxItems, maxBytes int
	wake               chan struct{} // has room for one: the queue is no longer empty

	// Guarded by mu.
	mu    sync.Mutex
	open  bool
	items []item
	bytes int
}

func newQueue(maxItems, maxBytes int) *queue {
	return &queue{maxItems: maxItems, maxBytes: maxBytes, wake: make(chan struct{}, 1)}
}

// put appends an item, if there is room and before, which may be nil, agrees. It
// returns [ErrUnavailable], [ErrQueueFull] or the error of before if it does not. An
// item that is over the limit alone is taken by an empty queue.
func (q *queue) put(i item, before func() error) error {
	size := len(i.data) + overhead
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return ErrUnavailable
	}
	if len(q.items) >= q.maxItems || len(q.items) > 0 && q.bytes+size > q.maxBytes {
		return ErrQueueFull
	}
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	q.items = append(q.items, i)
	q.bytes += size
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// take returns all that waits.
func (q *queue) take() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items, q.bytes = nil, 0
	return items
}

// setOpen opens or closes the queue. Closing it drops what waits, and returns how much
// that was.
func (q *queue) setOpen(open bool) (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = open
	if !open {
		dropped = len(q.items)
		q.items, q.bytes = nil, 0
	}
	return dropped
}
