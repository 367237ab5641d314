package redis

import (
	"slices"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// What follows is for clusters with servers of socket.io 2, which understand the
// requests of socket.io-redis 5 only: what other servers are asked in one request,
// they are asked in another. It starts with a space, so that servers with
// @socket.io/redis-adapter, which expect a brace or MessagePack, drop it; and should
// one read it all the same, opts selects no socket there.

// also publishes for servers with socket.io 2 what an item asks of all. id is the
// question's, "" if there is none.
func (w classic) also(b *batch, i item, id string) error {
	op := i.op
	switch op.Kind {
	case adapter.Fetch:
		return w.request5(b, i.n, id, typeClients, func(m *fields) { m.strs("rooms", op.Rooms) })
	case adapter.Rooms:
		return w.request5(b, i.n, id, typeAllRooms5, func(*fields) {})
	case adapter.ServerSide:
		data, ok := b.codec.customData(op.Event)
		if !ok {
			return nil
		}
		return w.request5(b, i.n, id, typeCustom, func(m *fields) { m.raw("data", data) })
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		if id != "" {
			return w.act5(b, i.n, op, op.Rooms[0], id)
		}
		return w.step(b, i.n, walk{op: op})
	}
	return nil
}

// customData returns the argument of the event that stands for a customRequest, false
// if it is another event.
func (c *codec) customData(e adapter.Event) ([]byte, bool) {
	b, err := c.packer.Pack(nil, e.Data, e.Attachments)
	if err != nil {
		return nil, false
	}
	n, b, _ := msgp.ReadArrayHeaderBytes(b)
	name, args, err := msgp.ReadStringZC(b)
	if n == 0 || err != nil || string(name) != customEvent {
		return nil, false
	}
	rest, err := msgp.Skip(args)
	if err != nil {
		return []byte{0xc0}, true // it has no argument
	}
	return args[:len(args)-len(rest)], true
}

// request5 publishes a request of socket.io-redis 5; more adds to it.
func (classic) request5(b *batch, n *namespace, id string, typ int, more func(m *fields)) error {
	if id == "" {
		id = newUID()
	}
	message, err := b.write(func(dst []byte) ([]byte, error) {
		m := appendMap(nil)
		m.str("requestid", id)
		m.int("type", typ)
		more(&m)
		m.str("uid", n.a.uid)
		m.selection(&adapter.Operation{Rooms: []string{id}})
		return b.codec.seal(append(dst, forSocketIO2), m.b, text)
	})
	if err == nil {
		b.publish(byChannel, n.requests(), message)
	}
	return err
}

// forSocketIO2 is what requests for servers with socket.io 2 start with.
const forSocketIO2 = ' '

// act5 does to one socket what op does to many.
func (w classic) act5(b *batch, n *namespace, op *adapter.Operation, sid, id string) error {
	if op.Kind == adapter.Disconnect {
		return w.request5(b, n, id, typeRemoteDisconnect, func(m *fields) {
			m.str("sid", sid)
			m.bool("close", op.Close)
		})
	}
	typ := typeRemoteJoin
	if op.Kind == adapter.Leave {
		typ = typeRemoteLeave
	}
	for _, room := range op.Names {
		err := w.request5(b, n, id, typ, func(m *fields) {
			m.str("sid", sid)
			m.str("room", room)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A walk goes over the sockets of servers with socket.io 2 that an operation selects,
// to do to each what the operation asks for. Each step is a request: which sockets
// there are; which rooms one of them is in, if there are exceptions; then the deed.
type walk struct {
	op    *adapter.Operation
	sid   string // the socket, "" in the first step
	ready bool   // it is selected
}

// step publishes the next request of a walk.
func (w classic) step(b *batch, n *namespace, walk walk) error {
	if walk.ready {
		return w.act5(b, n, walk.op, walk.sid, "")
	}
	id := newUID()
	n.walks.add(id, walk, time.Now())
	if walk.sid != "" {
		return w.request5(b, n, id, typeClientRooms, func(m *fields) { m.str("sid", walk.sid) })
	}
	return w.request5(b, n, id, typeClients, func(m *fields) { m.strs("rooms", walk.op.Rooms) })
}

// walked goes on with a walk by the answer to its last request.
func (n *namespace) walked(walk walk, r *response) error {
	if walk.sid != "" {
		rooms, err := readStrings(r.rooms)
		if err == nil && !slices.ContainsFunc(rooms, func(room string) bool { return slices.Contains(walk.op.Except, room) }) {
			walk.ready = true
			err = n.put(item{n: n, walk: &walk})
		}
		return err
	}
	ids, err := readStrings(r.sockets)
	for _, sid := range ids {
		next := walk
		next.sid, next.ready = sid, len(walk.op.Except) == 0
		if err := n.put(item{n: n, walk: &next}); err != nil {
			return err
		}
	}
	return err
}

// walks are the walks that wait for an answer, by the request's id. Those that have
// waited too long are forgotten when others come.
type walks struct {
	mu   sync.Mutex
	byID map[string]waiting // up to adapter.MaxQueries
	next time.Time          // when to look for old ones
}

type waiting struct {
	walk  walk
	until time.Time
}

func (t *walks) add(id string, w walk, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID == nil {
		t.byID = map[string]waiting{}
	}
	if now.After(t.next) || len(t.byID) >= adapter.MaxQueries {
		t.next = now.Add(askTimeout)
		for id, old := range t.byID {
			if now.After(old.until) {
				delete(t.byID, id)
			}
		}
	}
	if len(t.byID) < adapter.MaxQueries {
		t.byID[id] = waiting{w, now.Add(askTimeout)}
	}
}

// get returns a walk by its request's id. The first request is answered by each
// server, any other by one.
func (t *walks) get(id string) (walk, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.byID[id]
	if ok && w.walk.sid != "" {
		delete(t.byID, id)
	}
	return w.walk, ok
}
