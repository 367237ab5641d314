package redis

import (
	"errors"
	"log/slog"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// answer queues what this node says to a question of another. About a single socket
// only the node that has it speaks.
func (n *namespace) answer(to question, a adapter.Answer) {
	switch {
	case n.closed.Load():
		return
	case to.form == old|typeClientRooms && (len(a.Sockets) != 1 || a.Sockets[0].ID == ""):
		return
	case single(to.kind) && a.Count == 0:
		return
	}
	if err := n.a.queue.put(item{n: n, answer: &a, to: to}); err != nil {
		n.a.counts.dropped.Add(1)
		n.a.log.Debug("redis: an answer was not sent", slog.String("namespace", n.name), slog.Any("error", err))
	}
}

// single reports whether what is asked of a kind is about one socket.
func single(k adapter.Kind) bool {
	return k == adapter.Join || k == adapter.Leave || k == adapter.Disconnect
}

// appendAnswer appends an answer in the dialect of the question. Besides what Node.js
// servers look at it has the name of the node that answers, by which Damso nodes know
// who has not.
func (c *codec) appendAnswer(dst []byte, node string, to question, a *adapter.Answer, as form) (_ []byte, err error) {
	m := appendMap(c.message[:0])
	if to.form&old != 0 {
		err = c.answer5(&m, to, a)
	} else {
		err = c.answer8(&m, to, a)
		m.str("node", node)
	}
	c.message = m.b
	if err != nil {
		return dst, err
	}
	return c.seal(dst, m.b, as)
}

func (c *codec) answer8(m *fields, to question, a *adapter.Answer) error {
	switch to.form {
	case typeServerSide:
		m.int("type", typeServerSide)
	case typeBroadcast:
		if a.Ack {
			return c.ack(m, to, a)
		}
		m.int("type", typeCount)
	}
	m.str("requestId", to.id)
	switch to.form {
	case typeSockets:
		m.ids("sockets", a.Sockets)
	case typeAllRooms:
		m.strs("rooms", a.Rooms)
	case typeFetch:
		return c.sockets(m, a.Sockets)
	case typeServerSide:
		if a.Err != "" {
			m.str("error", a.Err)
		}
		return c.field(m, "data", a.Value)
	case typeBroadcast:
		m.int("clientCount", a.Count)
	}
	return nil
}

func (c *codec) answer5(m *fields, to question, a *adapter.Answer) error {
	m.str("requestid", to.id)
	switch to.form &^ old {
	case typeClients:
		m.ids("clients", a.Sockets)
	case typeClientRooms:
		m.strs("rooms", a.Sockets[0].Rooms)
	case typeAllRooms5:
		m.strs("rooms", a.Rooms)
	case typeCustom:
		return c.field(m, "data", a.Value)
	}
	return nil
}

// ack writes what a client has acknowledged: its first argument, as servers of Node.js
// have it.
func (c *codec) ack(m *fields, to question, a *adapter.Answer) error {
	m.int("type", typeAck)
	m.str("requestId", to.id)
	args, err := c.packer.Pack(nil, a.Value.Data, a.Value.Attachments)
	if err != nil {
		return err
	}
	if n, args, err := msgp.ReadArrayHeaderBytes(args); n > 0 {
		rest, skipped := msgp.Skip(args)
		if err = errors.Join(err, skipped); err != nil {
			return err
		}
		m.key("packet")
		m.b = append(m.b, args[:len(args)-len(rest)]...)
	}
	if a.Socket != "" {
		m.str("sid", a.Socket)
	}
	return nil
}

// field writes a value, null if there is none.
func (c *codec) field(m *fields, key string, value adapter.Event) (err error) {
	m.key(key)
	if len(value.Data) == 0 {
		m.b = msgp.AppendNil(m.b)
		return nil
	}
	m.b, err = c.packer.PackValue(m.b, value.Data, value.Attachments)
	return err
}

// sockets writes sockets as fetchSockets of Node.js has them.
func (c *codec) sockets(m *fields, list []adapter.Socket) error {
	m.key("sockets")
	m.b = msgp.AppendArrayHeader(m.b, uint32(len(list)))
	for _, s := range list {
		e := appendMap(m.b)
		e.str("id", s.ID)
		if err := c.field(&e, "handshake", adapter.Event{Data: s.Handshake}); err != nil {
			return err
		}
		e.strs("rooms", s.Rooms)
		if s.Data.Data == nil {
			s.Data.Data = []byte("{}") // what a socket of Node.js starts with
		}
		if err := c.field(&e, "data", s.Data); err != nil {
			return err
		}
		m.b = e.b
	}
	return nil
}

func (m *fields) ids(key string, list []adapter.Socket) {
	m.key(key)
	m.b = msgp.AppendArrayHeader(m.b, uint32(len(list)))
	for _, s := range list {
		m.b = msgp.AppendString(m.b, s.ID)
	}
}
