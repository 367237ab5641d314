package redis

import (
	"errors"
	"math"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// A response is what arrives on the response channel, in either dialect. Values are
// nil if they are not there.
type response struct {
	id, node, sid, err           string
	typ, clients                 int
	old                          bool // it is of socket.io-redis 5
	sockets, rooms, data, packet []byte
}

var errResponse = errors.New("not an answer to what was asked")

// response hands an answer to the question that it belongs to. Most answers that
// arrive are somebody else's.
func (n *namespace) response(c *codec, b []byte) error {
	b, err := c.open(b, true)
	if err != nil {
		return err
	}
	r, err := readResponse(b)
	if err != nil {
		return err
	}
	if walk, ok := n.walks.get(r.id); ok {
		return n.walked(walk, &r)
	}
	q := n.queries.Get(r.id)
	if q == nil {
		return nil
	}
	a, err := c.readAnswer(q.Op, &r)
	if err != nil {
		return err
	}
	n.a.counts.received.Add(1)
	q.Answer(a)
	return nil
}

func readResponse(b []byte) (r response, err error) {
	r.clients = -1
	rest, err := readMap(b, func(key, v []byte) (err error) {
		switch string(key) {
		case "requestId", "requestid":
			r.old = string(key) == "requestid"
			if msgp.NextType(v) == msgp.StrType { // what is not may be another server's
				r.id, _, err = msgp.ReadStringBytes(v)
			}
		case "node":
			r.node, _, err = msgp.ReadStringBytes(v)
		case "sid":
			r.sid, _, err = msgp.ReadStringBytes(v)
		case "error":
			r.err, _, err = msgp.ReadStringBytes(v)
		case "type":
			r.typ, _, err = msgp.ReadIntBytes(v)
		case "clientCount":
			r.clients, err = readCount(v)
		case "sockets", "clients":
			r.sockets = v
		case "rooms":
			r.rooms = v
		case "data":
			r.data = v
		case "packet":
			r.packet = v
		}
		return err
	})
	if err == nil && len(rest) > 0 {
		err = errTrailing
	}
	return r, err
}

// readCount reads a number of clients.
func readCount(b []byte) (int, error) {
	n, err := readNumber(b)
	if err != nil || n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
		return 0, errResponse
	}
	return int(n), nil
}

// readAnswer makes an answer to op of a response.
func (c *codec) readAnswer(op *adapter.Operation, r *response) (a adapter.Answer, err error) {
	a.Node, a.Socket, a.Err = r.node, r.sid, r.err
	switch op.Kind {
	case adapter.Fetch:
		if a.Sockets, err = c.readSockets(r.sockets, op.Brief); r.old {
			a.Sockets = slices.DeleteFunc(a.Sockets, func(s adapter.Socket) bool { return slices.Contains(op.Except, s.ID) })
		}
	case adapter.Rooms:
		if r.rooms == nil {
			return a, errResponse
		}
		a.Rooms, err = readStrings(r.rooms)
	case adapter.ServerSide:
		a.Value = adapter.Event{Data: []byte("null")}
		if r.data != nil {
			a.Value, err = c.value(r.data)
		}
	case adapter.Broadcast:
		switch {
		case r.typ == typeCount && r.clients >= 0:
			a.Count = r.clients
		case r.typ == typeAck:
			a.Ack = true
			a.Value, err = c.arguments(r.packet)
		default:
			err = errResponse
		}
	default:
		a.Count = 1
	}
	return a, err
}

// value transcodes one value.
func (c *codec) value(b []byte) (adapter.Event, error) {
	json, attachments, _, err := c.unpacker.Unpack(b)
	return adapter.Event{Data: append([]byte(nil), json...), Attachments: attachments}, err
}

// arguments returns a value as the only argument, if there is one.
func (c *codec) arguments(b []byte) (adapter.Event, error) {
	if b == nil {
		return adapter.Event{Data: []byte("[]")}, nil
	}
	return c.value(append([]byte{0x91}, b...))
}

// readSockets reads sockets, or where only ids were asked for, their ids.
func (c *codec) readSockets(b []byte, brief bool) ([]adapter.Socket, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, errResponse
	}
	list := make([]adapter.Socket, 0, min(int(n), len(b), 1024))
	for range n {
		rest, err := msgp.Skip(b)
		if err != nil {
			return nil, err
		}
		s, err := c.readSocket(b[:len(b)-len(rest)])
		if err != nil {
			return nil, err
		}
		if brief {
			s = adapter.Socket{ID: s.ID}
		}
		list, b = append(list, s), rest
	}
	return list, nil
}

func (c *codec) readSocket(b []byte) (s adapter.Socket, err error) {
	if msgp.NextType(b) == msgp.StrType {
		s.ID, _, err = msgp.ReadStringBytes(b)
		s.Rooms, s.Handshake = []string{s.ID}, []byte("{}")
	} else {
		s, err = c.readDescription(b)
	}
	if err == nil && s.ID == "" {
		err = errResponse
	}
	return s, err
}

// readDescription reads a socket as fetchSockets of Node.js has it.
func (c *codec) readDescription(b []byte) (s adapter.Socket, err error) {
	var handshake adapter.Event
	_, err = readMap(b, func(key, v []byte) (err error) {
		switch string(key) {
		case "id":
			s.ID, _, err = msgp.ReadStringBytes(v)
		case "handshake":
			handshake, err = c.value(v)
		case "rooms":
			s.Rooms, err = readStrings(v)
		case "data":
			if s.Data, err = c.value(v); string(s.Data.Data) == "{}" {
				s.Data = adapter.Event{}
			}
		}
		return err
	})
	s.Handshake = handshake.Data
	return s, err
}
