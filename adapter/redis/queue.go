package redis

import (
	"sync"

	"github.com/damso/damso/adapter"
)

// An item is an operation that waits to be published.
type item struct {
	n  *namespace
	op *adapter.Operation
}

// size is about what the item holds in memory.
func (i item) size() int {
	n := 256 + len(i.op.Event.Data)
	for _, b := range i.op.Event.Attachments {
		n += len(b)
	}
	for _, r := range i.op.Rooms {
		n += len(r)
	}
	for _, r := range i.op.Except {
		n += len(r)
	}
	return n
}

// A queue holds what waits to be published, in order, up to a number of items and
// of bytes. It takes items only while it is open.
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

// put appends an item. It returns [ErrUnavailable] or [ErrQueueFull] if it does not.
// An item that is over the limit alone is taken by an empty queue.
func (q *queue) put(i item) error {
	size := i.size()
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return ErrUnavailable
	}
	if len(q.items) >= q.maxItems || len(q.items) > 0 && q.bytes+size > q.maxBytes {
		return ErrQueueFull
	}
	q.items = append(q.items, i)
	q.bytes += size
	if len(q.items) == 1 {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// swap returns all that waits, and goes on with the memory of old, whose items are
// forgotten.
func (q *queue) swap(old []item) []item {
	clear(old)
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items, q.bytes = old[:0], 0
	return items
}

// setOpen opens or closes the queue. Closing it drops what waits and returns how
// much that was.
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
