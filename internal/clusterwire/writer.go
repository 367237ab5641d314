package clusterwire

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// A writer appends values to b, as JSON or as MessagePack. Objects and arrays begin
// with the number of their members, which MessagePack wants, and end with end, which
// JSON wants.
type writer struct {
	b      []byte
	packed bool
	packer *msgjson.Packer
	err    error // the first one
}

func (w *writer) object(n int) {
	if w.packed {
		w.b = msgp.AppendMapHeader(w.b, uint32(n))
		return
	}
	w.b = append(w.comma(), '{')
}

func (w *writer) array(n int) {
	if w.packed {
		w.b = msgp.AppendArrayHeader(w.b, uint32(n))
		return
	}
	w.b = append(w.comma(), '[')
}

// end ends an object with '}' and an array with ']'.
func (w *writer) end(c byte) {
	if !w.packed {
		w.b = append(w.b, c)
	}
}

// comma separates what follows from a member before it.
func (w *writer) comma() []byte {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			return append(w.b, ',')
		}
	}
	return w.b
}

// key writes the name of a member, which needs no escapes.
func (w *writer) key(name string) {
	if w.packed {
		w.b = msgp.AppendString(w.b, name)
		return
	}
	w.b = append(append(append(w.comma(), '"'), name...), '"', ':')
}

func (w *writer) text(s string) {
	if w.packed {
		w.b = msgp.AppendString(w.b, s)
		return
	}
	w.b = msgjson.AppendQuoted(w.comma(), s)
}

func (w *writer) texts(list []string) {
	w.array(len(list))
	for _, s := range list {
		w.text(s)
	}
	w.end(']')
}

// number writes a number that is not negative.
func (w *writer) number(n int64) {
	if w.packed {
		w.b = msgp.AppendUint64(w.b, uint64(n))
		return
	}
	w.b = strconv.AppendInt(w.comma(), n, 10)
}

func (w *writer) truth(v bool) {
	if w.packed {
		w.b = msgp.AppendBool(w.b, v)
		return
	}
	w.b = strconv.AppendBool(w.comma(), v)
}

// value writes a JSON value as it is, null if there is none.
func (w *writer) value(e adapter.Event) {
	if len(e.Data) == 0 {
		e = adapter.Event{Data: []byte("null")}
	}
	if !w.packed {
		w.b = append(w.comma(), e.Data...)
		return
	}
	b, err := w.packer.PackValue(w.b, e.Data, e.Attachments)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.b = b
}
