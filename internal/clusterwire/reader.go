package clusterwire

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

var errShape = errors.New("a value is of another sort than is expected")

// A reader reads values, of valid JSON or of MessagePack.
type reader struct {
	packed   bool
	unpacker *msgjson.Unpacker
}

// fields calls f for each member of an object with its encoded value. What is not an
// object is an error, but for null, which has no members.
func (r reader) fields(b []byte, f func(key string, value []byte) error) error {
	if r.null(b) {
		return nil
	}
	if r.packed {
		return packedFields(b, f)
	}
	if b[0] != '{' {
		return errShape
	}
	rest, more := nextJSON(b[1:])
	for ; more; rest, more = nextJSON(rest) {
		var key, value []byte
		key, rest = cutJSON(rest)
		value, rest = cutJSON(bytes.TrimLeft(rest[1:], space))
		if err := f(unquote(key), value); err != nil {
			return err
		}
	}
	return nil
}

func packedFields(b []byte, f func(key string, value []byte) error) error {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return err
	}
	for range n {
		key, after, err := msgp.ReadStringZC(b)
		if err != nil {
			return err
		}
		rest, err := msgp.Skip(after)
		if err != nil {
			return err
		}
		if err := f(string(key), after[:len(after)-len(rest)]); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// elements calls f for each element of an array. null has none.
func (r reader) elements(b []byte, f func(value []byte) error) error {
	if r.null(b) {
		return nil
	}
	if r.packed {
		return packedElements(b, f)
	}
	if b[0] != '[' {
		return errShape
	}
	rest, more := nextJSON(b[1:])
	for ; more; rest, more = nextJSON(rest) {
		var value []byte
		value, rest = cutJSON(rest)
		if err := f(value); err != nil {
			return err
		}
	}
	return nil
}

func packedElements(b []byte, f func(value []byte) error) error {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return err
	}
	for range n {
		rest, err := msgp.Skip(b)
		if err != nil {
			return err
		}
		if err := f(b[:len(b)-len(rest)]); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func (r reader) null(b []byte) bool {
	if r.packed {
		return msgp.IsNil(b)
	}
	return b[0] == 'n'
}

// text reads a string. Bytes that are not UTF-8 become U+FFFD, as Node.js reads them.
func (r reader) text(b []byte) (string, error) {
	switch {
	case r.packed:
		s, _, err := msgp.ReadStringBytes(b)
		return strings.ToValidUTF8(s, "\uFFFD"), err
	case b[0] == '"':
		return unquote(b), nil
	}
	return "", errShape
}

// name reads the name of a room: a string, or a number, which JavaScript takes too. So
// it does null.
func (r reader) name(b []byte) (string, error) {
	switch {
	case r.null(b):
		return "null", nil
	case r.packed && msgp.NextType(b) == msgp.StrType, !r.packed && b[0] == '"':
		return r.text(b)
	case r.packed:
		text, _, err := msgjson.AppendNumber(nil, b)
		return string(text), err
	}
	if _, ok := floatJSON(b); !ok {
		return "", errShape
	}
	return string(b), nil
}

func (r reader) names(b []byte) (list []string, err error) {
	err = r.elements(b, func(v []byte) error {
		s, err := r.name(v)
		list = append(list, s)
		return err
	})
	return list, err
}

// millis reads a number of milliseconds, 0 if it is none that a timer can have.
func (r reader) millis(b []byte) time.Duration {
	ms, err := r.float(b)
	if err != nil || !(ms > 0 && ms <= float64(MaxTimeout/time.Millisecond)) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// number reads a number as an integer, cut to 32 bits.
func (r reader) number(b []byte) (int, error) {
	f, err := r.float(b)
	return int(max(math.MinInt32, min(math.MaxInt32, f))), err
}

func (r reader) float(b []byte) (float64, error) {
	f, ok := 0.0, false
	if r.packed {
		text, _, err := msgjson.AppendNumber(nil, b)
		if err != nil {
			return 0, err
		}
		f, ok = floatJSON(text)
	} else {
		f, ok = floatJSON(b)
	}
	if !ok {
		return 0, errShape
	}
	return f, nil
}

// is reports whether b is the truth value want.
func (r reader) is(b []byte, want bool) bool {
	if r.packed {
		v, _, err := msgp.ReadBoolBytes(b)
		return err == nil && v == want
	}
	return string(b) == strconv.FormatBool(want)
}

// value reads any value, as JSON with binary parts beside it. Of JSON it is a part of
// b, and so are the binary parts of MessagePack.
func (r reader) value(b []byte) (adapter.Event, error) {
	if !r.packed {
		return adapter.Event{Data: b[:len(b):len(b)]}, nil
	}
	json, attachments, _, err := r.unpacker.Unpack(b)
	if err != nil {
		return adapter.Event{}, err
	}
	return adapter.Event{Data: bytes.Clone(json), Attachments: attachments}, nil
}
