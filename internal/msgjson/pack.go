// Package msgjson turns JSON with binary parts beside it into MessagePack and back,
// in one pass each way and without values in between: the order of keys stays. It
// is pure.
package msgjson

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// MaxDepth is how deep the arrays and objects of an event may nest. Events of
// people have a handful of levels; the limit keeps the recursion small.
const MaxDepth = 512

// What is wrong with an event.
var (
	ErrDepth      = errors.New("event is nested too deeply")
	ErrJSON       = errors.New("event is not valid JSON")
	ErrAttachment = errors.New("event refers to an attachment more than once")
)

// A Packer turns the JSON of events into MessagePack. The zero value is ready;
// it keeps its buffers from one event to the next and is not safe for concurrent use.
type Packer struct {
	in      []byte // the JSON
	pos     int    // what is read of in
	out     []byte // the MessagePack
	bin     [][]byte
	binLeft int    // bytes of attachments that may still be written
	scratch []byte // an unescaped string
}

// Pack appends data, a JSON array, to dst as MessagePack, with each placeholder
// replaced by its attachment. It trusts that data is valid JSON: what is not gives
// an error or some other valid MessagePack.
//
// The numbers of JSON become integers where JavaScript would print them as such,
// in their shortest form, and float64 otherwise, as notepack.io writes them.
func (p *Packer) Pack(dst, data []byte, attachments [][]byte) ([]byte, error) {
	if p.in, p.pos = data, 0; p.peek() != '[' {
		return dst, ErrJSON
	}
	return p.PackValue(dst, data, attachments)
}

// PackValue is Pack for any JSON value.
func (p *Packer) PackValue(dst, data []byte, attachments [][]byte) ([]byte, error) {
	p.in, p.pos, p.out, p.bin, p.binLeft = data, 0, dst, attachments, 0
	for _, b := range attachments {
		p.binLeft += len(b)
	}
	defer func() { p.in, p.out, p.bin = nil, nil, nil }()
	if err := p.value(0); err != nil {
		return dst, err
	}
	if p.peek() != 0 || p.pos < len(p.in) {
		return dst, ErrJSON
	}
	return p.out, nil
}

// peek skips white space and returns the byte after it, 0 at the end.
func (p *Packer) peek() byte {
	for ; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (p *Packer) value(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	switch p.peek() {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.str()
	case 't':
		return p.literal("true", 0xc3)
	case 'f':
		return p.literal("false", 0xc2)
	case 'n':
		return p.literal("null", 0xc0)
	default:
		return p.number()
	}
}

func (p *Packer) literal(word string, code byte) error {
	if !bytes.HasPrefix(p.in[p.pos:], []byte(word)) {
		return ErrJSON
	}
	p.pos += len(word)
	p.out = append(p.out, code)
	return nil
}

func (p *Packer) array(depth int) error {
	start, n := len(p.out), 0
	p.out = append(p.out, 0)
	for p.pos++; ; n++ {
		if more, err := p.next(']', n); !more {
			p.out = setHeader(p.out, start, n, 0x90, 0xdc)
			return err
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
}

func (p *Packer) object(depth int) error {
	start, n := len(p.out), 0
	p.out = append(p.out, 0)
	for p.pos++; ; n++ {
		if more, err := p.next('}', n); !more {
			p.out = setHeader(p.out, start, n, 0x80, 0xde)
			if err == nil && n == 2 && len(p.bin) > 0 {
				return p.attach(start)
			}
			return err
		}
		if p.peek() != '"' {
			return ErrJSON
		}
		if err := p.str(); err != nil {
			return err
		}
		if p.peek() != ':' {
			return ErrJSON
		}
		p.pos++
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
}

// next goes to element n of an array or object that ends with end, over the comma
// before it. It returns false at the end.
func (p *Packer) next(end byte, n int) (bool, error) {
	switch c := p.peek(); {
	case c == end:
		p.pos++
		return false, nil
	case n == 0:
		return true, nil
	case c == ',':
		p.pos++
		return true, nil
	default:
		return false, ErrJSON
	}
}

// The two spellings of a placeholder in MessagePack, up to the number.
var (
	placeholderFirst = []byte("\x82\xac_placeholder\xc3\xa3num")
	placeholderNum   = []byte("\x82\xa3num")
	placeholderLast  = []byte("\xac_placeholder\xc3")
)

// attach replaces the object that was written at start, if it is a placeholder, by
// the attachment that it stands for. Clients write the keys in either order.
func (p *Packer) attach(start int) error {
	object := p.out[start:]
	num, ok := bytes.CutPrefix(object, placeholderFirst)
	if !ok {
		if num, ok = bytes.CutPrefix(object, placeholderNum); !ok {
			return nil
		}
		if num, ok = bytes.CutSuffix(num, placeholderLast); !ok {
			return nil
		}
	}
	n, rest, err := msgp.ReadUint64Bytes(num)
	if err != nil || len(rest) > 0 || n >= uint64(len(p.bin)) {
		return nil // some other object
	}
	b := p.bin[n]
	if p.binLeft -= len(b); p.binLeft < 0 {
		return ErrAttachment // or a short event could become a long message
	}
	p.out = msgp.AppendBytes(p.out[:start], b)
	return nil
}

// setHeader completes an array or map of n elements whose first byte is b[at].
func setHeader(b []byte, at, n int, fix, wide byte) []byte {
	switch {
	case n < 16:
		b[at] = fix | byte(n)
	case n <= math.MaxUint16:
		b = slices.Insert(b, at+1, 0, 0)
		b[at] = wide
		binary.BigEndian.PutUint16(b[at+1:], uint16(n))
	default:
		b = slices.Insert(b, at+1, 0, 0, 0, 0)
		b[at] = wide + 1
		binary.BigEndian.PutUint32(b[at+1:], uint32(n))
	}
	return b
}

func (p *Packer) number() error {
	start := p.pos
	float := false
scan:
	for ; p.pos < len(p.in); p.pos++ {
		switch c := p.in[p.pos]; c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-':
		case '+', '.', 'e', 'E':
			float = true
		default:
			break scan
		}
	}
	text := string(p.in[start:p.pos])
	if !float {
		if u, err := strconv.ParseUint(text, 10, 64); err == nil {
			p.out = msgp.AppendUint64(p.out, u)
			return nil
		}
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			p.out = msgp.AppendInt64(p.out, i)
			return nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return ErrJSON
	}
	p.out = appendNumber(p.out, f)
	return nil
}

// appendNumber appends f as notepack.io does: as an integer if it is one.
func appendNumber(b []byte, f float64) []byte {
	switch {
	case f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxUint64:
		return msgp.AppendFloat64(b, f)
	case f < 0:
		return msgp.AppendInt64(b, int64(f))
	default:
		return msgp.AppendUint64(b, uint64(f))
	}
}
