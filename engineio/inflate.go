package engineio

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"
)

var errInflate = errors.New("engineio: message is not compressed as RFC 7692 has it")

// An inflater decompresses messages of permessage-deflate, each on its own.
type inflater struct {
	src   inflateSource
	flate io.ReadCloser // a flate.Resetter
	limit io.LimitedReader
	buf   bytes.Buffer
}

var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.flate = flate.NewReader(&i.src)
	return i
}}

// inflate decompresses a message and calls use with it, which is only valid
// during the call. A message that is larger than max is refused as soon as that
// much of it is there.
func inflate(packed []byte, max int, use func([]byte) error) error {
	i := inflaters.Get().(*inflater)
	defer i.free()
	i.src = inflateSource{packed, inflateEnd}
	_ = i.flate.(flate.Resetter).Reset(&i.src, nil) // never fails
	i.limit = io.LimitedReader{R: i.flate, N: int64(max) + 1}
	if _, err := i.buf.ReadFrom(&i.limit); err != nil {
		return fmt.Errorf("%w: %v", errInflate, err) // not %w: a cut message is not a cut connection
	}
	if i.buf.Len() > max {
		return errMessageTooBig
	}
	return use(i.buf.Bytes())
}

func (i *inflater) free() {
	i.src = inflateSource{}
	i.buf.Reset()
	if i.buf.Cap() > keepBuffer {
		i.buf = bytes.Buffer{}
	}
	inflaters.Put(i)
}

// inflateEnd is what a sender has left out, and a last, empty block.
const inflateEnd = flushed + "\x01\x00\x00\xff\xff"

// An inflateSource is a message and the end after it.
type inflateSource struct {
	data []byte
	end  string
}

func (s *inflateSource) Read(p []byte) (n int, err error) {
	if len(s.data) > 0 {
		n = copy(p, s.data)
		s.data = s.data[n:]
		return n, nil
	}
	if n = copy(p, s.end); n == 0 {
		err = io.EOF
	}
	s.end = s.end[n:]
	return n, err
}

// ReadByte keeps package flate from reading ahead with a buffer of its own.
func (s *inflateSource) ReadByte() (b byte, err error) {
	switch {
	case len(s.data) > 0:
		b, s.data = s.data[0], s.data[1:]
	case len(s.end) > 0:
		b, s.end = s.end[0], s.end[1:]
	default:
		err = io.EOF
	}
	return b, err
}
