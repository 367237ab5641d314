package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Marshal encodes an event, the array ["event", args...]. Arguments are encoded
// as package encoding/json does, but without escaping <, > and &. Binary, which is
// every []byte in an argument, however deep, becomes a placeholder and goes to
// attachments, in order of appearance; a nil one is null. [Raw] and
// [json.RawMessage] are copied as they are.
//
// The caller owns data; the attachments are the arguments' own bytes. The event's
// name is not checked, see [Reserved].
func Marshal(event string, args ...any) (data []byte, attachments [][]byte, err error) {
	return AppendEvent(nil, event, args...)
}

// MarshalArgs encodes the array of an ack, [args...], as [Marshal] does.
func MarshalArgs(args ...any) (data []byte, attachments [][]byte, err error) {
	return appendArray(nil, false, "", args)
}

// AppendEvent is [Marshal] for a caller who has something to put before the
// array: it appends the array to dst, in one allocation at most.
func AppendEvent(dst []byte, event string, args ...any) (data []byte, attachments [][]byte, err error) {
	return appendArray(dst, true, event, args)
}

// appendArray encodes into a pooled buffer, as nobody knows how long it gets.
func appendArray(dst []byte, named bool, event string, args []any) ([]byte, [][]byte, error) {
	e := encoders.Get().(*encoder)
	defer e.release()
	e.buf.WriteByte('[')
	if named {
		e.string(event)
	}
	for i, arg := range args {
		if named || i > 0 {
			e.buf.WriteByte(',')
		}
		if err := e.arg(arg); err != nil {
			return nil, nil, fmt.Errorf("%w (argument %d)", err, i)
		}
	}
	e.buf.WriteByte(']')
	if err := e.check(); err != nil {
		return nil, nil, err
	}
	return append(dst, e.buf.Bytes()...), e.attachments, nil
}

// An encoder collects one array and its attachments.
type encoder struct {
	buf         bytes.Buffer
	json        *json.Encoder // writes to buf
	attachments [][]byte
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

// maxPooled is the largest buffer that is kept for the next event.
const maxPooled = 64 << 10

func (e *encoder) release() {
	if e.buf.Cap() > maxPooled {
		return
	}
	e.buf.Reset()
	e.attachments = nil
	encoders.Put(e)
}

// arg encodes one argument.
func (e *encoder) arg(arg any) error {
	switch v := arg.(type) {
	case nil:
		e.buf.WriteString("null")
		return nil
	case string:
		e.string(v)
		return nil
	case bool:
		e.buf.Write(strconv.AppendBool(e.buf.AvailableBuffer(), v))
		return nil
	case int:
		e.buf.Write(strconv.AppendInt(e.buf.AvailableBuffer(), int64(v), 10))
		return nil
	case Raw:
		return e.raw(v)
	case *Raw:
		if v == nil {
			v = new(Raw)
		}
		return e.raw(*v)
	case json.RawMessage:
		return e.raw(Raw{JSON: v})
	case []byte:
		e.binary(v)
		return nil
	}
	if holdsBinary(reflect.ValueOf(arg), 0) {
		return e.mixed(arg)
	}
	if err := e.json.Encode(arg); err != nil {
		return fmt.Errorf("packet: %w", err)
	}
	e.buf.Truncate(e.buf.Len() - 1) // the encoder's newline
	return nil
}

// string encodes s; what is not UTF-8 in it becomes U+FFFD.
func (e *encoder) string(s string) {
	b, _ := jsontext.AppendQuote(e.buf.AvailableBuffer(), s)
	e.buf.Write(b)
}

func (e *encoder) binary(b []byte) {
	if b == nil {
		e.buf.WriteString("null")
		return
	}
	e.buf.Write(appendPlaceholder(e.buf.AvailableBuffer(), len(e.attachments)))
	e.attachments = append(e.attachments, b)
}

func (e *encoder) raw(r Raw) (err error) {
	if len(r.JSON) == 0 {
		e.buf.WriteString("null")
		return nil
	}
	if !validJSON(r.JSON) {
		return fmt.Errorf("%w: %.60q", ErrJSON, r.JSON)
	}
	if len(r.Attachments) == 0 {
		e.buf.Write(r.JSON)
		return nil
	}
	b, all, err := renumber(e.buf.AvailableBuffer(), e.attachments, r.JSON, r.Attachments)
	if err != nil {
		return err
	}
	e.buf.Write(b)
	e.attachments = all
	return nil
}

// check makes sure that the finished array does the receivers no harm.
//
// It must be UTF-8, for browsers close a WebSocket connection over anything else.
// And if it has attachments, only they may have placeholders: an object that merely
// looks like one, perhaps made so by a client, would take another's attachment or
// make the receivers' parsers fail. Without attachments it is an object like any other.
func (e *encoder) check() error {
	if !utf8.Valid(e.buf.Bytes()) {
		return fmt.Errorf("%w: not UTF-8", ErrJSON)
	}
	if len(e.attachments) == 0 {
		return nil
	}
	found, err := findPlaceholders(e.buf.Bytes())
	if err != nil {
		return err
	}
	ok := len(found) == len(e.attachments)
	for i, h := range found {
		ok = ok && h.num == i // numbered as they came
	}
	if !ok {
		return fmt.Errorf("%w: an argument looks like one", ErrPlaceholder)
	}
	return nil
}
