package redis

import (
	"github.com/damso/damso/adapter"
)

// Types of requests of socket.io-redis 5.
const (
	typeClients = iota
	typeClientRooms
	typeAllRooms5
	typeRemoteJoin
	typeRemoteLeave
	typeCustom
	typeRemoteDisconnect

	// old marks them, where both dialects' types are.
	old = 0x80
)

// customEvent is the event by which a server gets the customRequest of
// socket.io-redis 5.
const customEvent = "customRequest"

// request5 does what a request of socket.io-redis 5 asks for. All of them want an
// answer; questions about one socket get it from the server that has it.
func (n *namespace) request5(c *codec, r *request) error {
	op := &r.op
	op.Timeout = askTimeout
	to := question{id: r.id, form: old | uint8(r.typ&0x7f)}
	if r.id == "" {
		return errFields
	}
	switch r.typ {
	case typeClients:
		op.Kind, op.Rooms, op.Except, op.Brief = adapter.Fetch, r.rooms, nil, true
		return n.reply(op, to, r.rooms != nil)
	case typeClientRooms:
		op.Kind = adapter.Fetch
	case typeAllRooms5:
		op.Kind = adapter.Rooms
		return n.reply(op, to, true)
	case typeRemoteJoin:
		op.Kind = adapter.Join
	case typeRemoteLeave:
		op.Kind = adapter.Leave
	case typeRemoteDisconnect:
		op.Kind = adapter.Disconnect
	case typeCustom:
		return n.custom(c, r, to)
	default:
		return errRequest
	}
	op.Except = nil
	return n.single(op, r, to)
}

// custom hands a customRequest over as an event whose argument is the request's data.
func (n *namespace) custom(c *codec, r *request, to question) error {
	data := []byte("null")
	if r.data != nil {
		value, err := c.value(r.data)
		if err != nil {
			return err
		}
		data = value.Data
	}
	event := append([]byte(`["`+customEvent+`",`), data...)
	op := &adapter.Operation{Kind: adapter.ServerSide, Event: adapter.Event{Data: append(event, ']')}, Timeout: askTimeout}
	return n.reply(op, to, true)
}
