package engineio

import (
	"errors"
	"net"
	"sync"
	"syscall"
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
	wait  bool // until the connection takes something, instead of errWouldBlock
	batch []*Message
	buf   []byte

	// Arguments and results of attempt.
	p   []byte
	n   int
	err error
	fn  func(fd uintptr) bool // attempt, made a func once
}

// writers are for those that write now and then.
var writers = sync.Pool{New: func() any { return new(writer) }}

// send writes the messages of batch to c in format f, without the first start
// bytes. It returns how many of them were written whole, and how much of the
// next one.
func (w *writer) send(c *wsConn, f format, batch []*Message, start int) (sent, rest int, err error) {
	for sent < len(batch) {
		n, err := w.write(c, w.gather(f, batch[sent:], start))
		for n > 0 {
			if left := len(batch[sent].in(f)) - start; n >= left {
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
func (w *writer) gather(f format, batch []*Message, start int) []byte {
	if frame := batch[0].in(f); len(frame)-start >= directWrite || len(batch) == 1 {
		return frame[start:]
	}
	b := w.buf[:0]
	for _, m := range batch {
		frame := m.in(f)[start:]
		start = 0
		if len(b)+len(frame) > writeSize {
			break
		}
		b = append(b, frame...)
	}
	w.buf = b
	return b
}

// write writes p, or as much of it as c takes at once.
func (w *writer) write(c *wsConn, p []byte) (int, error) {
	if c.raw == nil {
		if !w.wait {
			return 0, errWouldBlock // it might, and there is no other way to know
		}
		return c.conn.Write(p)
	}
	if w.fn == nil {
		w.fn = w.attempt
	}
	w.p, w.n, w.err = p, 0, nil
	if err := c.raw.Write(w.fn); err != nil {
		return w.n, err
	}
	return w.n, w.err
}

// attempt is called with a descriptor that may be writable, and says whether it
// is done with it.
func (w *writer) attempt(fd uintptr) bool {
	for w.n < len(w.p) {
		n, err := syscall.Write(int(fd), w.p[w.n:])
		if n > 0 {
			w.n += n
		}
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN && w.wait:
			return false
		case err == syscall.EAGAIN:
			w.err = errWouldBlock
			return true
		case err != nil:
			w.err = &net.OpError{Op: "write", Net: "tcp", Err: err}
			return true
		}
	}
	return true
}
