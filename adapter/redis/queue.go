package redis

import (
	"sync"

	"github.com/damso/damso/adapter"
)

// An item is something that waits to be sent. It has one of op, count, answer, walk,
// mail, call and canary.
type item struct {
	n  *namespace
	op *adapter.Operation // for all other nodes
	q  *adapter.Query     // waits for the answers to op, nil if there are none

	// count wants to know how many nodes there are. It has room for the one result.
	count chan<- counted

	answer *adapter.Answer // for the one who asked
	to     question        // what was asked

	walk *walk // the next step of one
	mail *mail // for the channels of the mesh
	call *call // any other command

	canary *canary // its sign of life
}

// urgent reports whether a full queue takes the item, which is not counted.
func (i item) urgent() bool { return i.canary != nil || i.mail != nil && i.mail.urgent }

// A mail is a letter on its way.
type mail struct {
	to      string // the node, "" for all
	channel string
	letter  []byte
	urgent  bool // it is taken by a full queue, and is not counted
}

// counted is how many nodes have a namespace open.
type counted struct {
	n   int
	err error
}

// A question is what another node has asked, as far as it takes to answer it.
type question struct {
	kind adapter.Kind
	id   string // the question's, chosen by the one who asks
	from string // the uid of the one who asks, "" if it did not say
	form uint8  // which of the wire's forms it had
}

// fail tells who waits for what the item asks that it was not sent.
func (i item) fail(err error) {
	switch {
	case i.q != nil:
		i.q.Fail(err)
	case i.count != nil:
		i.count <- counted{err: err}
	case i.call != nil:
		i.call.failed(err)
	}
}

// size is about what the item holds in memory.
func (i item) size() int {
	n := 256
	if i.op != nil {
		n += sizeOfEvent(i.op.Event) + sizeOfStrings(i.op.Rooms) + sizeOfStrings(i.op.Except) + sizeOfStrings(i.op.Names)
	}
	if i.mail != nil {
		n += len(i.mail.letter)
	}
	if i.answer != nil {
		n += sizeOfEvent(i.answer.Value) + sizeOfStrings(i.answer.Rooms)
		for _, s := range i.answer.Sockets {
			n += 128 + len(s.Handshake) + sizeOfEvent(s.Data) + sizeOfStrings(s.Rooms)
		}
	}
	return n
}

func sizeOfEvent(e adapter.Event) int {
	n := len(e.Data)
	for _, b := range e.Attachments {
		n += len(b)
	}
	return n
}

func sizeOfStrings(list []string) (n int) {
	for _, s := range list {
		n += 16 + len(s)
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
	if !i.urgent() && (len(q.items) >= q.maxItems || len(q.items) > 0 && q.bytes+size > q.maxBytes) {
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

// setOpen opens or closes the queue. Closing it returns what was waiting.
func (q *queue) setOpen(open bool) (left []item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = open
	if !open {
		left = q.items
		q.items, q.bytes = nil, 0
	}
	return left
}
