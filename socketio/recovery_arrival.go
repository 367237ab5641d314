package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// graceOfKeeper is how long a client that comes back waits for what the adapter knows of
// it.
const graceOfKeeper = 5 * time.Second

// claimAnywhere is claim for a client that may have been on another node since. What
// this node has in its memory is good while no other one has had the client, and while
// the adapter can't be reached.
func (h *history) claimAnywhere(pid string, at *offset, s *Socket) bool {
	ctx, cancel := context.WithTimeout(s.Context(), graceOfKeeper)
	defer cancel()
	session, from, err := h.log.Claim(ctx, pid)
	switch {
	case errors.Is(err, adapter.ErrSessionEnded):
		h.cede(pid)
		return false
	case err != nil:
		return h.claim(pid, at, s)
	case from == h.node:
		if h.claim(pid, at, s) {
			return true
		}
		if here := h.cede(pid); here != nil {
			session = here // it knows more
		}
	default:
		h.cede(pid)
	}
	return h.takeOver(ctx, session, at, s)
}

// cede forgets the line pid of this node, and returns its session, if there is one.
func (h *history) cede(pid string) *adapter.Session {
	h.ns.mu.Lock()
	l := h.lines[pid]
	h.ns.mu.Unlock()
	if l == nil || l.abroad == nil {
		return nil
	}
	k := keeping{h, l}
	session := k.Session()
	k.Lost()
	return session
}

// takeOver gives s the session of a client that comes from another node, with what it
// has missed.
func (h *history) takeOver(ctx context.Context, session *adapter.Session, at *offset, s *Socket) bool {
	from, ok := goesOn(session, at)
	if !ok {
		return false
	}
	session.Stays = slices.DeleteFunc(session.Stays, func(stay adapter.Stay) bool { return isOver(stay, session.Base, at) })
	l := h.await(session, s)
	log, err := h.log.Missed(ctx, h.asks(l, session, from))
	if err == nil {
		h.prepare(l, session, from, log)
	}
	if err != nil || !h.welcome(l, s) {
		h.ns.mu.Lock()
		defer h.ns.mu.Unlock()
		h.giveUp(l)
		return false
	}
	s.restoreData(h.opts, session.Data)
	return true
}

// goesOn returns the place after which a client goes on, and whether that can be.
func goesOn(session *adapter.Session, at *offset) (from adapter.Place, ok bool) {
	from = session.Born
	base, known := session.Base, session.Known
	if at != nil {
		from = at.Place
		if from.Node == base.Node && from.Own >= base.Own && !at.replayed { // it was handed something there
			from.Seen = max(from.Seen, base.Seen)
		}
	}
	if from.Node == session.Unlogged.Node && from.Own < session.Unlogged.Own {
		return from, false
	}
	return from, known.Node == "" || known.Node == from.Node && known.Own <= from.Own
}

// asks returns what of the log is to be read.
func (h *history) asks(l *line, session *adapter.Session, from adapter.Place) adapter.Missed {
	m := session.MissedAfter(from)
	m.Own, m.MaxEvents, m.MaxBytes = l.began, h.opts.MaxPackets, h.limit
	return m
}

// await makes the line of a client that comes from another node. From now on what is
// sent to it is kept.
func (h *history) await(session *adapter.Session, s *Socket) *line {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	// The offsets of what comes now are greater than any that the client has from this
	// node.
	at := h.keep(logged{message: new(engineio.Message), asked: &asked{}})
	l := &line{pid: session.PID, id: session.ID, claimant: s, began: at, resume: at, parted: at}
	l.abroad = &abroad{born: session.Born, sure: session.Known, arrival: &arrival{}}
	for _, room := range session.Rooms() {
		l.enter(room, at, h.seen)
	}
	h.returning++
	h.ns.members.wants.hold(l)
	return l
}

// giveUp forgets a line that nobody waits for any more; ns.mu is held.
func (h *history) giveUp(l *line) {
	h.landed(l)
	l.gone, l.dead = true, true
	if h.lines[l.pid] == l {
		delete(h.lines, l.pid)
	}
}

// landed ends what await has begun; ns.mu is held.
func (h *history) landed(l *line) {
	if l.arrival != nil {
		l.arrival = nil
		h.returning--
		h.ns.members.wants.release(l)
	}
}

// prepare makes messages of what the client has missed. Each has the offset that fits.
// Nobody else knows the line yet.
func (h *history) prepare(l *line, session *adapter.Session, from adapter.Place, log adapter.Log) {
	at := from
	for _, op := range log.Events {
		if op.Logged.Node == h.node {
			l.skipOwn = max(l.skipOwn, op.Logged.Own)
		}
		wanted := !from.Has(op.Logged) && session.Gets(op)
		at = at.After(op.Logged)
		if !wanted {
			continue
		}
		m, offset := h.ns.encode(op.Event)
		h.putReplayed(offset, at)
		if op.Flags.NoCompress {
			m.NoCompress()
		}
		l.arrival.missed = append(l.arrival.missed, m)
		l.arrival.size += m.Size()
	}
	l.skip, l.past = log.N, session.Stays
}

// isOver says whether a stay had ended when the client was handed what it has got last.
// What was handed to it by the node at base came after everything on nodes before.
func isOver(stay adapter.Stay, base adapter.Place, at *offset) bool {
	if stay.Open() || at == nil {
		return false
	}
	if at.Node == base.Node && at.Own >= base.Own && !at.replayed && stay.To.Node != base.Node {
		return true
	}
	return stay.To.Node == at.Node && stay.To.Own <= at.Own && stay.To.Seen <= at.Seen
}

// welcome lets the line be that of s, whose client has been there all the time.
func (h *history) welcome(l *line, s *Socket) bool {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := h.lines[l.pid]; s.state != connecting || before != nil && before.socket != nil {
		return false
	}
	h.lines[l.pid] = l
	s.id, s.recovered, s.line = l.id, true, l
	return true
}

// restoreData gives s the data of the application.
func (s *Socket) restoreData(opts Recovery, e adapter.Event) {
	if e.Data == nil {
		return
	}
	data, err := opts.decode(Raw{JSON: e.Data, Attachments: e.Attachments})
	if err != nil {
		s.ns.server.log.Warn("data of a socket from another node can't be decoded",
			"namespace", s.ns.name, "socket", s.id, "error", err)
		data = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
}

// decode makes of data what the application has set. A panic is an error.
func (r Recovery) decode(raw Raw) (data any, err error) {
	if r.Data == nil {
		return raw, nil
	}
	defer recovered(&err)
	return r.Data(raw)
}

// arrive makes the line one of this node from the present place on: what was before is
// past. ns.mu is held.
func (h *history) arrive(l *line) {
	h.landed(l)
	l.base = adapter.Place{Node: h.node, Own: l.began, Seen: l.skip}
	for i := range l.past {
		if l.past[i].Open() {
			l.past[i].To = l.base
		}
	}
	if len(l.past) > maxStays {
		l.past, l.sure = nil, l.base
	}
	l.past = slices.Clip(l.past)
}
