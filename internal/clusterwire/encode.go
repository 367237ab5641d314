package clusterwire

import (
	"bytes"
	"encoding/base64"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// An Encoder encodes messages. The zero value is ready; it keeps its buffers from one
// message to the next and is not safe for concurrent use.
type Encoder struct {
	packer msgjson.Packer
	data   []byte
}

// Append appends m, in MessagePack if packed or if m holds binary, and in JSON
// otherwise. The keys are in the order of the Node.js adapters.
func (e *Encoder) Append(dst []byte, m *Message, packed bool) ([]byte, error) {
	w := &writer{packed: packed || m.Binary(), packer: &e.packer}
	// JSON begins in a buffer of its own: what is before it decides about commas.
	if w.packed {
		w.b = dst
	} else {
		w.b = e.data[:0]
	}
	w.object(4)
	w.key("type")
	w.number(int64(m.Type))
	w.key("data")
	w.message(m)
	w.key("uid")
	w.text(m.UID)
	w.key("nsp")
	w.text(m.Namespace)
	w.end('}')
	if w.packed || w.err != nil {
		return w.b, w.err
	}
	e.data = w.b
	return append(dst, w.b...), nil
}

// AppendData appends m's data alone as the Streams adapters write it: in JSON, or if m
// holds binary in MessagePack as base64.
func (e *Encoder) AppendData(dst []byte, m *Message) ([]byte, error) {
	w := &writer{b: e.data[:0], packed: m.Binary(), packer: &e.packer}
	w.message(m)
	e.data = w.b
	if w.err != nil {
		return dst, w.err
	}
	if w.packed {
		return base64.StdEncoding.AppendEncode(dst, w.b), nil
	}
	return append(dst, w.b...), nil
}

// message writes the data of m.
func (w *writer) message(m *Message) {
	switch m.Type {
	case Broadcast:
		w.broadcast(m)
	case SocketsJoin, SocketsLeave:
		w.object(2)
		w.options(m)
		w.key("rooms")
		w.texts(m.Op.Names)
		w.end('}')
	case DisconnectSockets:
		w.object(2)
		w.options(m)
		w.key("close")
		w.truth(m.Op.Close)
		w.end('}')
	case FetchSockets:
		w.fetch(m)
	case ServerSideEmit:
		w.identified(m, 1)
		w.key("packet")
		w.value(m.Op.Event)
		w.end('}')
	default:
		w.response(m)
	}
}

// identified begins an object of n members and the question's id, if there is one.
func (w *writer) identified(m *Message, n int) {
	if m.ID == "" {
		w.object(n)
		return
	}
	w.object(n + 1)
	w.key("requestId")
	w.text(m.ID)
}

func (w *writer) broadcast(m *Message) {
	n := 2
	if m.ID != "" {
		n++
	}
	w.object(n)
	w.key("packet")
	w.object(2)
	w.key("type")
	w.number(packetEvent)
	w.key("data")
	w.value(m.Op.Event)
	w.end('}')
	if m.ID != "" {
		w.key("requestId")
		w.text(m.ID)
	}
	w.options(m)
	w.end('}')
}

func (w *writer) fetch(m *Message) {
	only := ""
	switch {
	case m.Op.Kind == adapter.Rooms:
		only = onlyRooms
	case m.Op.Brief:
		only = onlyIDs
	}
	n := 2
	if only != "" {
		n++
	}
	w.object(n)
	w.options(m)
	w.key("requestId")
	w.text(m.ID)
	if only != "" {
		w.key("only")
		w.text(only)
	}
	w.end('}')
}

func (w *writer) options(m *Message) {
	w.key("opts")
	w.object(3)
	w.key("rooms")
	w.texts(m.Op.Rooms)
	w.key("except")
	w.texts(m.Op.Except)
	w.key("flags")
	w.flags(m)
	w.end('}')
}

func (w *writer) flags(m *Message) {
	f, asks, n := m.Op.Flags, m.ID != "" && m.Op.Timeout > 0, 0
	for _, set := range []bool{f.Volatile, f.NoCompress, asks} {
		if set {
			n++
		}
	}
	w.object(n)
	if f.Volatile {
		w.key("volatile")
		w.truth(true)
	}
	if f.NoCompress {
		w.key("compress")
		w.truth(false)
	}
	if asks {
		w.key("timeout")
		w.number(m.Op.Timeout.Milliseconds())
	}
	w.end('}')
}

// What a Damso node asks for instead of all that there is about sockets. Servers of
// Node.js do not look at it, and answer with everything.
const (
	onlyIDs   = "ids"
	onlyRooms = "rooms" // the names of all rooms, beside no sockets
)

// own returns what Damso nodes tell each other, by keys that no server of Node.js has.
func (m *Message) own() (list [][2]string) {
	if m.Answer.Err != "" {
		list = append(list, [2]string{"error", m.Answer.Err})
	}
	if m.Answer.Socket != "" {
		list = append(list, [2]string{"sid", m.Answer.Socket})
	}
	return list
}

func (w *writer) response(m *Message) {
	key, value := m.Type.answer(), m.Answer.Value
	if m.Type == ClientAck {
		if value = first(value); len(value.Data) == 0 {
			key = "" // as undefined
		}
	}
	n := len(m.own())
	if key != "" {
		n++
	}
	if len(m.Answer.Rooms) > 0 {
		n++
	}
	w.identified(m, n)
	if key != "" {
		w.key(key)
	}
	switch key {
	case "sockets":
		w.sockets(m.Answer.Sockets)
	case "clientCount":
		w.number(int64(m.Answer.Count))
	case "packet":
		w.value(value)
	}
	if len(m.Answer.Rooms) > 0 {
		w.key("rooms")
		w.texts(m.Answer.Rooms)
	}
	for _, own := range m.own() {
		w.key(own[0])
		w.text(own[1])
	}
	w.end('}')
}

// first returns the first element of a JSON array.
func first(e adapter.Event) adapter.Event {
	inner := bytes.TrimSpace(e.Data)
	if len(inner) < 2 || inner[0] != '[' {
		return adapter.Event{}
	}
	if inner = bytes.TrimLeft(inner[1:], " \t\r\n"); inner[0] == ']' {
		return adapter.Event{}
	}
	value, _ := cutJSON(inner)
	return adapter.Event{Data: value, Attachments: e.Attachments}
}

func (w *writer) sockets(list []adapter.Socket) {
	w.array(len(list))
	for _, s := range list {
		w.object(4)
		w.key("id")
		w.text(s.ID)
		w.key("handshake")
		w.orEmpty(adapter.Event{Data: s.Handshake})
		w.key("rooms")
		w.texts(s.Rooms)
		w.key("data")
		w.orEmpty(s.Data)
		w.end('}')
	}
	w.end(']')
}

// orEmpty writes an object, an empty one if there is none: servers of Node.js take it
// for granted.
func (w *writer) orEmpty(e adapter.Event) {
	if len(e.Data) == 0 {
		e = adapter.Event{Data: []byte("{}")}
	}
	w.value(e)
}
