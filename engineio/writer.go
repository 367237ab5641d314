package engineio

import (
	"errors"
	"sync"
)

// errWouldBlock means that a connection takes nothing at the moment.
var errWouldBlock = errors.New("engineio: connection is full")

const (
	writeSize   = 64 << 10 // what goes into one write at most, if it is put together
	directWrite = 16 << 10 // from this size on, a frame is written from where it is
)

// A writer puts together what is written at once. It is owned by whoever uses
// it.
type writer struct {
	batch   []*Message
	buf     []byte
	written int // bytes, by the last send
}

// writers are for those that write now and then.
var writers = sync.Pool{New: func() any { return new(writer) }}

// send writes the messages of batch in the form f, without the first start bytes.
// It returns how many of them were written whole, and how much of the next one.
func (w *writer) send(write func([]byte) (int, error), f framing, batch []*Message, start int) (sent, rest int, err error) {
	w.written = 0
	for sent < len(batch) {
		n, err := write(w.gather(f, batch[sent:], start))
		w.written += max(0, n)
		for n > 0 {
			if left := len(f.of(batch[sent])) - start; n >= left {
				n, start = n-left, 0
				sent++
			} else {
				n, start = 0, start+n
			}
		}
		if err != nil {
			return sent, start, err
		}
	}
	return sent, 0, nil
}

// gather returns the next bytes to write: one big frame where it is, or several
// small ones put together.
func (w *writer) gather(f framing, batch []*Message, start int) []byte {
	if frame := f.of(batch[0]); len(frame)-start >= directWrite || len(batch) == 1 {
		return frame[start:]
	}
	b := w.buf[:0]
	for _, m := range batch {
		frame := f.of(m)[start:]
		start = 0
		if len(b)+len(frame) > writeSize {
			break
		}
		b = append(b, frame...)
	}
	w.buf = b
	return b
}
