package clusterwire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// Types of Socket.IO packets that carry an event. Adapters of servers of socket.io 4
// write the first, whatever the event holds.
const (
	packetEvent       = 2
	packetBinaryEvent = 5
)

// How long a question is waited for.
const (
	DefaultTimeout = 5 * time.Second // if the question does not say, or says more than MaxTimeout
	// MaxTimeout is the longest that a timer of Node.js can have, 24 days.
	MaxTimeout = (1<<31 - 1) * time.Millisecond
)

var (
	errForm     = errors.New("message is neither JSON nor MessagePack of an object")
	errTrailing = errors.New("bytes after the end of the message")
	errPacket   = errors.New("packet carries no event")
	errType     = errors.New("message is of no known type")
	errID       = errors.New("message names no question")
)

// A Decoder decodes messages. The zero value is ready; it keeps its buffers from one
// message to the next and is not safe for concurrent use.
type Decoder struct {
	unpacker msgjson.Unpacker
}

// Decode decodes a message. What is uid's own, or of another namespace than nsp, is
// nil without an error. The message keeps parts of b.
func (d *Decoder) Decode(b []byte, uid, nsp string) (*Message, error) {
	r, b, err := d.reader(b)
	if err != nil {
		return nil, err
	}
	m := &Message{}
	var data []byte
	err = r.fields(b, func(key string, v []byte) (err error) {
		switch key {
		case "type":
			err = r.typ(v, m)
		case "uid":
			m.UID, err = r.text(v)
		case "nsp":
			m.Namespace, err = r.text(v)
		case "data":
			data = v
		}
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("message: %w", err)
	case m.UID == uid, m.Namespace != nsp:
		return nil, nil
	}
	return m, r.data(m, data)
}

func (r reader) typ(b []byte, m *Message) error {
	n, err := r.number(b)
	m.Type = Type(n)
	return err
}

// DecodeData decodes the data of a message whose other fields are set, as the Streams
// adapters write it.
func (d *Decoder) DecodeData(m *Message, data string) error {
	b := []byte(data)
	if !strings.HasPrefix(data, "{") {
		var err error
		if b, err = base64.StdEncoding.AppendDecode(nil, b); err != nil {
			return fmt.Errorf("message: %w", err)
		}
	}
	r, b, err := d.reader(b)
	if err != nil {
		return err
	}
	return r.data(m, b)
}

// reader tells the form of b, which is one whole object.
func (d *Decoder) reader(b []byte) (reader, []byte, error) {
	r := reader{unpacker: &d.unpacker}
	if len(b) > 0 && b[0] == '{' {
		b, ok := validJSON(b)
		if !ok {
			return r, nil, errForm
		}
		object, _ := cutJSON(b)
		return r, object, nil
	}
	r.packed = true
	if msgp.NextType(b) != msgp.MapType {
		return r, nil, errForm
	}
	rest, err := msgp.Skip(b)
	if err == nil && len(rest) > 0 {
		err = errTrailing
	}
	return r, b, err
}

// data reads the data of a message into it.
func (r reader) data(m *Message, b []byte) error {
	if b == nil {
		return errForm
	}
	var err error
	switch m.Type {
	case Broadcast, SocketsJoin, SocketsLeave, DisconnectSockets, FetchSockets, ServerSideEmit:
		err = r.operation(m, b)
	case FetchResponse, ServerSideResponse, ClientCount, ClientAck:
		err = r.response(m, b)
	default:
		err = errType
	}
	if err != nil {
		return fmt.Errorf("message of type %d: %w", m.Type, err)
	}
	return nil
}

func kindOf(t Type) adapter.Kind {
	switch t {
	case Broadcast:
		return adapter.Broadcast
	case SocketsJoin:
		return adapter.Join
	case SocketsLeave:
		return adapter.Leave
	case DisconnectSockets:
		return adapter.Disconnect
	case FetchSockets:
		return adapter.Fetch
	}
	return adapter.ServerSide
}

// operation reads the data of a message that asks for something.
func (r reader) operation(m *Message, b []byte) error {
	op := &adapter.Operation{Kind: kindOf(m.Type)}
	m.Op = op
	options, selected, only := false, false, ""
	err := r.fields(b, func(key string, v []byte) (err error) {
		switch {
		case !m.Type.asks(key):
		case key == "packet":
			op.Event, err = r.packet(m.Type, v)
		case key == "opts":
			options = true
			selected, err = r.options(op, v)
		case key == "requestId":
			m.ID, err = r.name(v)
		case key == "only":
			only, _ = r.text(v)
		case key == "rooms":
			op.Names, err = r.names(v)
		case key == "close":
			op.Close = r.is(v, true)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !options && m.Type != ServerSideEmit:
		return errShape
	case !selected && (m.Type == SocketsJoin || m.Type == SocketsLeave || m.Type == DisconnectSockets):
		return errShape // nothing says that all sockets are meant
	case op.Event.Data == nil && (m.Type == Broadcast || m.Type == ServerSideEmit):
		return errPacket
	case m.ID == "" && m.Type == FetchSockets:
		return errID
	}
	switch only {
	case onlyIDs:
		op.Brief = true
	case onlyRooms:
		op.Kind = adapter.Rooms
	}
	switch {
	case m.ID == "":
		op.Timeout = 0
	case op.Timeout <= 0:
		op.Timeout = DefaultTimeout
	}
	return nil
}

// packet reads the event of a broadcast, which is in an object {type, data}, or of a
// server-side emit, which is bare.
func (r reader) packet(t Type, b []byte) (event adapter.Event, err error) {
	data, typ := b, packetEvent
	if t == Broadcast {
		data, typ = nil, 0
		err = r.fields(b, func(key string, v []byte) (err error) {
			switch key {
			case "type":
				typ, err = r.number(v)
			case "data":
				data = v
			}
			return err
		})
	}
	switch {
	case err != nil:
		return event, err
	case typ != packetEvent && typ != packetBinaryEvent, data == nil, !r.event(data):
		return event, errPacket
	}
	return r.value(data)
}

// errStop ends a walk over elements.
var errStop = errors.New("stop")

// event reports whether b is an array that begins with a string.
func (r reader) event(b []byte) bool {
	named := false
	r.elements(b, func(v []byte) error {
		_, err := r.text(v)
		named = err == nil
		return errStop
	})
	return named
}

// options reads which sockets are meant, and says whether a list of rooms is there, even
// an empty one, which means all.
func (r reader) options(op *adapter.Operation, b []byte) (said bool, err error) {
	err = r.fields(b, func(key string, v []byte) (err error) {
		switch key {
		case "rooms":
			said = true
			op.Rooms, err = r.names(v)
		case "except":
			op.Except, err = r.names(v)
		case "flags":
			err = r.flags(op, v)
		}
		return err
	})
	return said, err
}

func (r reader) flags(op *adapter.Operation, b []byte) error {
	return r.fields(b, func(key string, v []byte) error {
		switch key {
		case "volatile":
			op.Flags.Volatile = r.is(v, true)
		case "compress":
			op.Flags.NoCompress = r.is(v, false)
		case "timeout":
			op.Timeout = r.millis(v)
		}
		return nil
	})
}

// response reads the data of a message that answers.
func (r reader) response(m *Message, b []byte) error {
	a := &m.Answer
	err := r.fields(b, func(key string, v []byte) (err error) {
		switch {
		case key == "requestId":
			m.ID, err = r.text(v)
		case key == "rooms":
			a.Rooms, err = r.names(v)
		case key == "error":
			a.Err, err = r.text(v)
		case key == "sid":
			a.Socket, err = r.text(v)
		case key != m.Type.answer():
		case key == "sockets":
			a.Sockets, err = r.sockets(v)
		case key == "clientCount":
			a.Count, err = r.number(v)
		case key == "packet":
			a.Value, err = r.value(v)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case m.ID == "":
		return errID
	case a.Count < 0:
		return errShape
	case m.Type == ClientAck:
		a.Ack = true
		a.Value.Data = append(append([]byte{'['}, a.Value.Data...), ']')
	case m.Type == ServerSideResponse && a.Value.Data == nil:
		a.Value.Data = []byte("null")
	}
	return nil
}

func (r reader) sockets(b []byte) (list []adapter.Socket, err error) {
	err = r.elements(b, func(v []byte) error {
		s, err := r.socket(v)
		list = append(list, s)
		return err
	})
	return list, err
}

func (r reader) socket(b []byte) (s adapter.Socket, err error) {
	err = r.fields(b, func(key string, v []byte) (err error) {
		switch key {
		case "id":
			s.ID, err = r.text(v)
		case "rooms":
			s.Rooms, err = r.names(v)
		case "data":
			s.Data, err = r.value(v)
		case "handshake":
			var handshake adapter.Event
			handshake, err = r.value(v)
			s.Handshake = handshake.Data
		}
		return err
	})
	if err == nil && s.ID == "" {
		err = errShape
	}
	return s, err
}
