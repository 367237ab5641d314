package socketio

import (
	"sync"
	"sync/atomic"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// A Namespace is a part of the server that clients connect to by name, with
// handlers and rooms of its own. It is safe for concurrent use.
type Namespace struct {
	// Set once.
	server  *Server
	name    string
	cluster adapter.Namespace // nil on a single node

	handlers atomic.Pointer[handlers]
	lastAck  atomic.Uint64 // number of acks that were asked for
	inbox    inbox         // what other nodes say
	asked    atomic.Int32  // broadcasts of theirs that wait for acknowledgements
	entries  entries       // of a child: its parent's
	family

	// Guarded by mu, which is also held while a broadcast is queued for its
	// receivers: so all of them see broadcasts in one order. Who holds it may lock
	// a conn's mu, then a Socket's, never the other way round.
	mu      sync.Mutex
	members membership      // sockets and rooms
	history *history        // nil without recovery, and with a stream; the pointer is set once
	stream  *stream         // nil unless broadcasts go through one; the pointer is set once
	fanout  engineio.Fanout // has nothing in it while mu is free
}

func newNamespace(s *Server, name string) *Namespace {
	ns := &Namespace{server: s, name: name, members: newMembership()}
	ns.inbox.ns = ns
	if s.opts.Recovery != nil {
		ns.history = newHistory(ns)
	}
	ns.handlers.Store(&handlers{})
	ns.registerHere(func(*handlers) {}) // for dispatch
	if s.opts.Adapter != nil {
		cluster, err := ns.open(s.opts.Adapter)
		if err != nil {
			s.log.Error("namespace is not connected to the other nodes", "namespace", name, "error", err)
		}
		if ns.cluster = cluster; cluster != nil {
			ns.members.wants = wants{tell: cluster.Room, count: map[string]int{}}
		}
	}
	return ns
}

// open makes the way to the other nodes.
func (ns *Namespace) open(a adapter.Adapter) (adapter.Namespace, error) {
	if ns.history == nil || ns.history.opts.NodeOnly {
		return a.Open(ns.name, ns)
	}
	if st, ok := a.(adapter.Streamer); ok && st.Streams() {
		return ns.openStream(st)
	}
	if k, ok := a.(adapter.Keeper); ok {
		return ns.history.open(k)
	}
	return a.Open(ns.name, ns)
}

// Name returns the name, with the slash it begins with.
func (ns *Namespace) Name() string { return ns.name }

// Sockets returns the number of sockets that are connected on this node.
func (ns *Namespace) Sockets() (n int) {
	_ = ns.operator().each(func(b Broadcast) error {
		b.ns.mu.Lock()
		defer b.ns.mu.Unlock()
		n += len(b.ns.members.all.sockets)
		return nil
	})
	return n
}

// Emit sends an event to all sockets of the namespace, on all nodes. It does not
// wait for anybody. The error says that an argument can't be encoded; that other
// nodes can't be reached is no error here, [Server.Ready] tells it.
func (ns *Namespace) Emit(event string, args ...any) error {
	return ns.operator().Emit(event, args...)
}

// To selects the sockets in these rooms for a broadcast. A socket's id is a room of
// its own.
func (ns *Namespace) To(rooms ...string) Broadcast { return ns.operator().To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.To(rooms...) }

// Except takes the sockets in these rooms out of a broadcast.
func (ns *Namespace) Except(rooms ...string) Broadcast { return ns.operator().Except(rooms...) }

// Local keeps a broadcast on this node.
func (ns *Namespace) Local() Broadcast { return ns.operator().Local() }

// Volatile lets a broadcast be dropped for clients that can't take it at once.
func (ns *Namespace) Volatile() Broadcast { return ns.operator().Volatile() }

// NoCompress asks not to compress a broadcast.
func (ns *Namespace) NoCompress() Broadcast { return ns.operator().NoCompress() }

func (ns *Namespace) operator() Broadcast { return Broadcast{ns: ns} }

// Apply carries out what another node asks for. It is called by the adapter.
func (ns *Namespace) Apply(op *adapter.Operation) {
	switch op.Kind {
	case adapter.Broadcast:
		ns.handlers.Load().sent(op.Event, ns.arrived(op)...)
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		_, _ = ns.command(op, true)
	case adapter.ServerSide:
		ns.inbox.put(message{event: op.Event})
	}
}

// arrived delivers another node's broadcast, and returns what deliver does.
func (ns *Namespace) arrived(op *adapter.Operation) []*Socket {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.members.selectsNone(op.Rooms) && !ns.history.awaits() && !ns.stream.awaits() {
		if ns.history != nil {
			ns.history.seen = max(ns.history.seen, op.Logged.N)
		}
		return nil // before it is encoded
	}
	if ns.stream != nil {
		return ns.stream.hand(op, op.Logged.At).sockets
	}
	m, offset := ns.encode(op.Event)
	return ns.deliver(op, m, offset)
}

// broadcast sends op to the sockets here and on the other nodes.
func (ns *Namespace) broadcast(op *adapter.Operation, local bool) {
	ns.handlers.Load().sent(op.Event, ns.send(op, local)...)
}

// send is broadcast without those who want to know. It returns what deliver does.
func (ns *Namespace) send(op *adapter.Operation, local bool) []*Socket {
	if ns.stream != nil && !local {
		ns.stream.send(op) // which tells later
		return nil
	}
	m, offset := ns.encode(op.Event)
	ns.mu.Lock()
	defer ns.mu.Unlock()
	sockets := ns.deliver(op, m, offset)
	if ns.cluster != nil && !local {
		ns.share(op) // under the lock, so that the other nodes see the order that this one sees
	}
	return sockets
}

// deliver queues m for the sockets that op selects; mu is held. It returns them if
// there is anybody who wants to know, see OnAnyOutgoing.
func (ns *Namespace) deliver(op *adapter.Operation, m *engineio.Message, offset []byte) []*Socket {
	return ns.deliverAt(op, adapter.StreamID{}, m, offset)
}

// deliverAt is deliver for what has a place in a stream.
func (ns *Namespace) deliverAt(op *adapter.Operation, place adapter.StreamID, m *engineio.Message, offset []byte) (sockets []*Socket) {
	if op.Flags.NoCompress {
		m.NoCompress()
	}
	ns.ifSlow(m, op.Event, op.Flags)
	var at uint64
	if ns.history != nil {
		at = ns.history.add(op, m, offset)
	}
	send := ns.fanout.Send
	if op.Flags.Volatile {
		send = ns.fanout.SendVolatile
	}
	tell := len(ns.handlers.Load().outgoing) > 0
	ns.members.each(op.Rooms, op.Except, func(s *Socket) {
		if s.line != nil && !op.Flags.Volatile {
			if s.line.abroad != nil && op.Logged.N != 0 && op.Logged.N <= s.line.skip {
				return // it has got that from the log
			}
			s.line.last = at
		}
		if s.skips(place) {
			return
		}
		send(s.conn.session, m)
		if tell {
			sockets = append(sockets, s)
		}
	})
	ns.fanout.Flush()
	return sockets
}

// add makes s a member, unless it has left already.
func (ns *Namespace) add(s *Socket) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if !s.connect() {
		return false
	}
	ns.members.add(s)
	rooms := s.takeEarly()
	if s.line != nil {
		rooms = append(rooms, s.line.rooms()...)
	}
	if s.seat != nil {
		rooms = append(rooms, s.seat.rooms...)
		s.seat.rooms = nil
	}
	for _, room := range rooms {
		ns.members.join(s, room)
	}
	return true
}
