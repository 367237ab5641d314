package socketio

import (
	"container/list"
	"errors"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// shared is the part of a history that makes it one of many: clients may come back
// to any node, by what the adapter keeps. The mutex of the namespace guards it.
type shared struct {
	node string       // this node's name in the log, "" on a single node; set once, before anything is sent
	log  adapter.Kept // nil on a single node; set once, before clients come

	seen      uint64    // the events of the other nodes have arrived up to this number in the log
	unlogged  uint64    // position of the last event that should have been in the log, and is not
	returning int       // clients that are on their way from another node
	living    list.List // lines with a socket, by the time at which they were refreshed
}

// abroad is the part of a line that goes with the client from node to node. The mutex
// of the namespace guards it.
type abroad struct {
	born adapter.Place  // nothing before is the client's
	base adapter.Place  // where this node has got it
	sure adapter.Place  // the place after which all its rooms are known
	past []adapter.Stay // its rooms before base

	skip    uint64 // it has had all of the other nodes up to this number in the log
	skipOwn uint64 // and this node's up to this position
	arrival *arrival

	gone      bool          // another node has it, or it was ended
	living    *list.Element // in the history
	refreshed time.Duration // when it was kept last for no other reason
}

// forgot notes that of the client's stays those that go on are known only.
func (a *abroad) forgot(now, seen uint64) {
	a.past = nil
	a.sure = adapter.Place{Node: a.base.Node, Own: now, Seen: max(seen, a.base.Seen)}
}

// An arrival is what a client is to get that comes from another node.
type arrival struct {
	missed []*engineio.Message
	size   int
}

// open makes the way to the other nodes.
func (h *history) open(k adapter.Keeper) (adapter.Namespace, error) {
	h.node = k.Node()
	h.life += h.opts.MaxDisconnection / 2 // as long as a session
	log, err := k.OpenKept(h.ns.name, keptLocal{h.ns}, adapter.Keep{Life: h.life, MaxEvents: h.opts.MaxPackets})
	if err != nil {
		h.node = ""
		if errors.Is(err, errors.ErrUnsupported) {
			return k.Open(h.ns.name, h.ns)
		}
		return nil, err
	}
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	h.log = log
	return log, nil
}

// keptLocal is a namespace as its adapter sees it.
type keptLocal struct{ *Namespace }

// Seen implements [adapter.KeptLocal].
func (l keptLocal) Seen(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history.seen = max(l.history.seen, n)
}

// Moved implements [adapter.KeptLocal].
func (l keptLocal) Moved(pid string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line := l.history.lines[pid]; line != nil {
		l.history.changed(line)
	}
}

// awaits says whether events must be kept for somebody who is not here.
func (h *history) awaits() bool { return h != nil && (h.away.Len() > 0 || h.returning > 0) }

// place is the present one.
func (h *history) place() adapter.Place {
	return adapter.Place{Node: h.node, Own: h.position(), Seen: h.seen}
}

// share hands op to the other nodes, once it was delivered here; ns.mu is held. What
// clients may have missed goes to the log. An error means that the other nodes can't be
// reached: Ready tells that.
func (ns *Namespace) share(op *adapter.Operation) {
	h := ns.history
	if h == nil || h.log == nil || op.Flags.Volatile {
		_ = ns.cluster.Publish(op)
		return
	}
	op.Logged.Own = h.position()
	if ns.cluster.Publish(op) != nil {
		h.unlogged = op.Logged.Own
	} else if last := len(h.events) - 1; last >= h.head {
		h.events[last].shared = true
	}
}

// settle takes a line that has got its socket among those that the adapter keeps.
func (h *history) settle(l *line) {
	if h.log == nil {
		return
	}
	if l.abroad == nil {
		l.abroad = &abroad{born: h.place(), base: h.place()}
	}
	l.refreshed = h.now()
	l.abroad.living = h.living.PushBack(l)
	h.changed(l)
	h.arm()
}

// unsettle undoes that when the socket is gone.
func (h *history) unsettle(l *line) {
	if l.abroad != nil && l.abroad.living != nil {
		h.living.Remove(l.abroad.living)
		l.abroad.living = nil
	}
}

// changed lets the adapter keep the session of a line as it is.
func (h *history) changed(l *line) {
	if h.log != nil && l.abroad != nil && !l.gone {
		h.log.Keep(l.pid, keeping{h, l})
	}
}

// touched is changed for the line of a socket.
func (h *history) touched(s *Socket) {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	if l := s.line; l != nil && l.claimant != s {
		h.changed(l)
	}
}

// end ends the session of a line on all nodes.
func (h *history) end(l *line) {
	if h.log != nil && l.abroad != nil && !l.gone {
		l.gone = true
		h.log.End(l.pid)
	}
	h.drop(l)
}

// nextRefresh returns when the first of those who are here is to be refreshed: they are
// kept for some time only, in case that this node dies.
func (h *history) nextRefresh() (at time.Duration, ok bool) {
	if first := h.living.Front(); first != nil {
		return first.Value.(*line).refreshed + h.opts.MaxDisconnection/2, true
	}
	return 0, false
}

// refresh lets the adapter keep for longer what it would forget.
func (h *history) refresh() {
	for {
		at, ok := h.nextRefresh()
		if !ok || at > h.now() {
			return
		}
		first := h.living.Front()
		l := first.Value.(*line)
		l.refreshed = h.now()
		h.living.MoveToBack(first)
		h.changed(l)
	}
}

// A keeping is a line as the adapter sees it.
type keeping struct {
	h *history
	l *line
}

// Session implements [adapter.Source].
func (k keeping) Session() *adapter.Session {
	session, data := k.h.describe(k.l)
	if session != nil {
		session.Data = k.h.ns.encodeData(session.ID, data)
	}
	return session
}

// encodeData encodes what the application has with a socket, so that another node may
// have it: nothing if there is none, or it can't be encoded.
func (ns *Namespace) encodeData(socket string, data any) (value adapter.Event) {
	if raw, ok := data.(Raw); data == nil || ok && len(raw.JSON) == 0 {
		return value
	}
	value, err := marshalData(data)
	if err != nil {
		ns.server.log.Warn("data of a socket can't be encoded: it is lost if its node is",
			"namespace", ns.name, "socket", socket, "error", err)
		return adapter.Event{}
	}
	return value
}

// describe returns what is to be kept of a line, and the application's data; nil if
// nothing is.
func (h *history) describe(l *line) (*adapter.Session, any) {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	if l.gone || l.arrival != nil {
		return nil, nil
	}
	s := &adapter.Session{
		PID: l.pid, ID: l.id, Keep: h.opts.MaxDisconnection * 3 / 2,
		Born: l.born, Base: l.base, Known: l.sure,
		Unlogged: adapter.Logged{Node: h.node, Own: h.unlogged},
	}
	data := l.data
	if l.socket != nil {
		data = l.socket.Data()
	} else if s.Keep = l.expires - h.now(); s.Keep <= 0 {
		return nil, nil
	}
	s.Stays = append(make([]adapter.Stay, 0, len(l.past)+len(l.spans)), l.past...)
	for _, span := range l.spans {
		stay := adapter.Stay{Room: span.room, From: adapter.Place{Node: h.node, Own: span.from, Seen: max(span.fromSeen, l.base.Seen)}}
		if span.to != open {
			stay.To = adapter.Place{Node: h.node, Own: span.to, Seen: max(span.toSeen, l.base.Seen)}
		}
		s.Stays = append(s.Stays, stay)
	}
	return s, data
}

// Lost implements [adapter.Source].
func (k keeping) Lost() {
	if live := k.h.lost(k.l); live != nil {
		live.replace()
	}
}

// lost forgets a line that another node has, and returns its socket if it is still
// there.
func (h *history) lost(l *line) *Socket {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	l.gone = true
	if l.socket == nil && h.lines[l.pid] == l {
		h.drop(l)
	}
	return l.socket
}
