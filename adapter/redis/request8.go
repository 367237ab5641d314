package redis

import (
	"time"

	"github.com/damso/damso/adapter"
)

// askTimeout is how long servers of Node.js wait for answers, if the question does
// not say.
const askTimeout = 5 * time.Second

// request takes a message on the request channel.
func (n *namespace) request(c *codec, b []byte) error {
	if len(b) > 0 && b[0] == forSocketIO2 {
		return nil // whoever sent it has asked this node otherwise
	}
	b, err := c.open(b, true)
	if err != nil {
		return err
	}
	r, err := readRequest(b)
	switch {
	case err != nil:
		return err
	case r.uid == n.a.uid:
		return nil
	case !r.old:
		return n.request8(c, &r)
	}
	return n.request5(c, &r)
}

// request8 does what a request of @socket.io/redis-adapter asks for.
func (n *namespace) request8(c *codec, r *request) (err error) {
	op := &r.op
	if op.Timeout == 0 {
		op.Timeout = askTimeout
	}
	to := question{id: r.id, from: r.uid, form: uint8(r.typ)}
	asked := r.id != ""
	switch r.typ {
	case typeSockets:
		op.Kind, op.Rooms, op.Brief = adapter.Fetch, r.rooms, true
		return n.reply(op, to, asked && r.rooms != nil)
	case typeAllRooms:
		op.Kind = adapter.Rooms
		return n.reply(op, to, asked)
	case typeFetch:
		op.Kind = adapter.Fetch
		return n.reply(op, to, asked && r.opts)
	case typeServerSide:
		return n.serverSide(c, r, to)
	case typeBroadcast:
		return n.broadcast(c, r, to)
	case typeJoin, typeLeave, typeDisconnect:
		op.Kind = [...]adapter.Kind{adapter.Join, adapter.Leave, adapter.Disconnect}[r.typ-typeJoin]
		if r.opts {
			return n.command(op, r)
		}
		return n.single(op, r, to)
	}
	return errRequest
}

// command applies what is done to a selection of sockets. Nobody waits for it.
func (n *namespace) command(op *adapter.Operation, r *request) error {
	if op.Kind != adapter.Disconnect && r.rooms == nil {
		return errFields
	}
	op.Names = r.rooms
	n.apply(op)
	return nil
}

// single asks something of one socket, if it is here.
func (n *namespace) single(op *adapter.Operation, r *request, to question) error {
	named := op.Kind == adapter.Join || op.Kind == adapter.Leave
	if r.id == "" || !isID(r.sid) || named && !r.named {
		return errFields
	}
	op.Rooms = []string{r.sid}
	if named {
		op.Names = []string{r.room}
	}
	if n.local.Wants(r.sid) {
		n.ask(op, to)
	}
	return nil
}

// isID reports whether an id can be that of a socket of this node. A room must not be
// taken for one.
func isID(id string) bool {
	if len(id) != 20 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// serverSide tells the namespace something, and passes on what it says.
func (n *namespace) serverSide(c *codec, r *request, to question) (err error) {
	op := &r.op
	op.Kind = adapter.ServerSide
	if op.Event, err = c.event(r.data); err != nil {
		return err
	}
	if r.id == "" {
		n.apply(op)
		return nil
	}
	return n.reply(op, to, true)
}

// broadcast sends an event to clients, and passes on what they acknowledge.
func (n *namespace) broadcast(c *codec, r *request, to question) error {
	if r.id == "" || !r.opts || r.packet == nil {
		return errFields
	}
	data, _, err := readPacket(r.packet, n.name)
	if err != nil || data == nil {
		return err
	}
	op := &adapter.Operation{}
	*op = r.op
	op.Kind = adapter.Broadcast
	if op.Event, err = c.event(data); err != nil {
		return err
	}
	return n.reply(op, to, true)
}

// reply answers a question if it is a good one.
func (n *namespace) reply(op *adapter.Operation, to question, good bool) error {
	if !good {
		return errFields
	}
	n.ask(op, to)
	return nil
}

// apply hands over an operation that nobody waits for.
func (n *namespace) apply(op *adapter.Operation) {
	n.a.counts.received.Add(1)
	n.local.Apply(op)
}

// ask hands over an operation, and queues what there is to say to it.
func (n *namespace) ask(op *adapter.Operation, to question) {
	n.a.counts.received.Add(1)
	to.kind = op.Kind
	n.local.Answer(op, func(a adapter.Answer) { n.answer(to, a) })
}
