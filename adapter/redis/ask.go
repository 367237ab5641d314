package redis

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// Types of requests of @socket.io/redis-adapter.
const (
	typeSockets = iota
	typeAllRooms
	typeJoin
	typeLeave
	typeDisconnect
	typeFetch
	typeServerSide
	typeBroadcast
	typeCount // answers typeBroadcast, as does
	typeAck
)

// requestTypes are the types of what is published and asked.
var requestTypes = map[adapter.Kind]int{
	adapter.Join: typeJoin, adapter.Leave: typeLeave, adapter.Disconnect: typeDisconnect,
	adapter.ServerSide: typeServerSide, adapter.Fetch: typeFetch, adapter.Rooms: typeAllRooms,
	adapter.Broadcast: typeBroadcast,
}

// typeOf returns the type of the request that asks for op.
func typeOf(op *adapter.Operation) int {
	if op.Kind == adapter.Fetch && op.Brief && len(op.Except) == 0 {
		return typeSockets
	}
	return requestTypes[op.Kind]
}

// appendRequest appends op as a request with that id, "" if nobody is to answer. The
// order of keys is that of the Node.js adapter.
func (c *codec) appendRequest(dst []byte, n *namespace, op *adapter.Operation, id string) ([]byte, error) {
	m, err := c.request(n, op, id)
	if err != nil {
		return dst, err
	}
	switch {
	case n.a.opts.SocketIO2:
		return c.seal(dst, m, text)
	case op.Kind == adapter.Broadcast:
		return c.seal(dst, m, packed)
	}
	return c.seal(dst, m, mixed)
}

func (c *codec) request(n *namespace, op *adapter.Operation, id string) (_ []byte, err error) {
	m := appendMap(c.message[:0])
	m.str("uid", n.a.uid)
	if id != "" {
		m.str("requestId", id)
	}
	m.int("type", typeOf(op))
	switch op.Kind {
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		m.command(op, id)
	case adapter.ServerSide:
		m.key("data")
		m.b, err = c.packer.Pack(m.b, op.Event.Data, op.Event.Attachments)
	case adapter.Fetch:
		if typeOf(op) == typeSockets {
			m.strs("rooms", op.Rooms)
			break
		}
		m.selection(op)
	case adapter.Broadcast:
		m.key("packet")
		if m.b, err = c.appendPacket(m.b, n.name, packetEvent, op.Event); err != nil {
			break
		}
		m.key("opts")
		m.b = appendOptions(m.b, op, op.Timeout)
	}
	c.message = m.b
	return m.b, err
}

// command writes what is done to sockets: to a selection, which nobody answers, or
// when it is asked, to a single one, whose server answers.
func (m *fields) command(op *adapter.Operation, id string) {
	if id != "" {
		m.str("sid", op.Rooms[0])
		if op.Kind == adapter.Disconnect {
			m.bool("close", op.Close)
		} else {
			m.str("room", op.Names[0])
		}
		return
	}
	m.selection(op)
	if op.Kind == adapter.Disconnect {
		m.bool("close", op.Close)
	} else {
		m.strs("rooms", op.Names)
	}
}

// A fields writes a map of MessagePack with up to 15 keys. Its numbers are not negative.
type fields struct {
	b  []byte
	at int // where the map starts
}

func appendMap(dst []byte) fields { return fields{append(dst, 0x80), len(dst)} }

func (m *fields) key(k string) {
	m.b[m.at]++
	m.b = msgp.AppendString(m.b, k)
}

func (m *fields) str(k, v string)           { m.key(k); m.b = msgp.AppendString(m.b, v) }
func (m *fields) int(k string, v int)       { m.key(k); m.b = msgp.AppendUint(m.b, uint(v)) }
func (m *fields) bool(k string, v bool)     { m.key(k); m.b = msgp.AppendBool(m.b, v) }
func (m *fields) strs(k string, v []string) { m.key(k); m.b = appendStrings(m.b, v) }
func (m *fields) raw(k string, v []byte)    { m.key(k); m.b = append(m.b, v...) }

// selection writes which sockets are meant.
func (m *fields) selection(op *adapter.Operation) {
	m.key("opts")
	m.b = msgp.AppendMapHeader(m.b, 2)
	m.b = appendStrings(msgp.AppendString(m.b, "rooms"), op.Rooms)
	m.b = appendStrings(msgp.AppendString(m.b, "except"), op.Except)
}
