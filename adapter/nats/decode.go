package nats

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

var (
	errFormat = errors.New("not a frame of this format")
	errCut    = errors.New("frame is cut off, or has bytes behind its end")
	errJSON   = errors.New("frame has no valid JSON where it should")
)

// decode reads a frame. It takes memory in proportion to data, of which the frame
// keeps parts.
func decode(data []byte) (*frame, error) {
	const head = 2 + members.IDLen + 8
	if len(data) < head || data[0] != format {
		return nil, errFormat
	}
	f := &frame{kind: frameKind(data[1])}
	f.from.ID = string(data[2 : 2+members.IDLen])
	f.from.Instance = binary.BigEndian.Uint64(data[2+members.IDLen:])
	r := reader{rest: data[head:]}
	if !members.Valid(f.from.ID) || !r.body(f) {
		return nil, errFormat
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = errCut
	}
	if r.err != nil {
		return nil, fmt.Errorf("frame of kind %d: %w", f.kind, r.err)
	}
	return f, nil
}

// body reads what is behind the head. It returns false if the kind is unknown.
func (r *reader) body(f *frame) bool {
	switch f.kind {
	case signFrame:
		f.version = r.uint()
		f.listed = r.bools()&1 != 0
		for f.listed && len(r.rest) > 0 && r.err == nil {
			f.spaces = append(f.spaces, r.space())
		}
	case listFrame, byeFrame:
	case messageFrame:
		f.body, r.rest = r.rest, nil
	case publishFrame:
		f.space = r.space()
		f.op = r.operation(adapter.ServerSide)
	case askFrame:
		f.space = r.space()
		f.query = r.uint()
		timeout := time.Duration(min(max(r.uint(), 1), uint64(maxTimeout)))
		f.op = r.operation(adapter.Rooms)
		f.op.Timeout = timeout
	case answerFrame:
		f.space = r.space()
		f.query = r.uint()
		f.answer = r.answer()
	default:
		return false
	}
	return true
}

// A reader takes the parts of a frame. After the first error it returns zero values.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errCut)
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errCut)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bools() byte { return r.byte() }

func (r *reader) space() (s space) {
	copy(s[:], r.take(uint64(len(s))))
	return s
}

func (r *reader) bytes() []byte  { return r.take(r.uint()) }
func (r *reader) string() string { return string(r.bytes()) }

// count reads how many elements follow, of which each has a byte at least.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.fail(errCut)
		return 0
	}
	return int(n)
}

func (r *reader) strings() (list []string) {
	for range r.count() {
		list = append(list, r.string())
	}
	return list
}

// json reads JSON, or nothing at all, which is nil.
func (r *reader) json() []byte {
	data := r.bytes()
	if len(data) == 0 {
		return nil
	}
	if !json.Valid(data) {
		r.fail(errJSON)
		return nil
	}
	return data
}

func (r *reader) event() (e adapter.Event) {
	e.Data = r.json()
	for range r.count() {
		e.Attachments = append(e.Attachments, r.bytes())
	}
	return e
}

func (r *reader) operation(last adapter.Kind) *adapter.Operation {
	op := &adapter.Operation{Kind: adapter.Kind(r.byte())}
	flags := r.bools()
	op.Flags.Volatile, op.Flags.NoCompress = flags&1 != 0, flags&2 != 0
	op.Close, op.Brief = flags&4 != 0, flags&8 != 0
	op.Flags.Slow = r.byte()
	op.Flags.SlowKey = r.string()
	op.Rooms = r.strings()
	op.Except = r.strings()
	op.Names = r.strings()
	op.Event = r.event()
	if op.Kind < adapter.Broadcast || op.Kind > last {
		r.fail(errFormat)
	}
	if (op.Kind == adapter.Broadcast || op.Kind == adapter.ServerSide) && (len(op.Event.Data) == 0 || op.Event.Data[0] != '[') {
		r.fail(errJSON)
	}
	return op
}

func (r *reader) answer() (a adapter.Answer) {
	a.Ack = r.bools()&1 != 0
	a.Socket = r.string()
	a.Count = int(min(r.uint(), math.MaxInt32))
	a.Err = r.string()
	a.Rooms = r.strings()
	a.Value = r.event()
	for range r.count() {
		a.Sockets = append(a.Sockets, adapter.Socket{ID: r.string(), Rooms: r.strings(), Handshake: r.json(), Data: r.event()})
		if r.err != nil {
			break
		}
	}
	return a
}
