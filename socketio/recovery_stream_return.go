package socketio

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// An arriving is a client that is about to come back, with what is for it.
type arriving struct {
	// Set by reclaim before anybody else sees the socket.
	session *adapter.StreamSession
	missed  []*adapter.Operation // from the stream
	upTo    adapter.StreamID     // it was read up to there

	// Guarded by ns.mu.
	later []placed // what has come from the stream since it was about to be read
	room  int      // bytes that may still come
	over  bool     // there was more
}

// A placed is a broadcast and where it is in the stream.
type placed struct {
	op *adapter.Operation
	at adapter.StreamID
}

// add keeps a broadcast; ns.mu is held.
func (a *arriving) add(op *adapter.Operation, at adapter.StreamID) {
	n := loggedOverhead + len(op.Event.Data)
	for _, b := range op.Event.Attachments {
		n += len(b)
	}
	if a.room -= n; a.room < 0 {
		a.over, a.later = true, nil
	}
	if !a.over && !op.Flags.Volatile {
		a.later = append(a.later, placed{op, at})
	}
}

// reclaim makes s the socket that its client had before, on whatever node, if it may be
// recovered.
func (st *stream) reclaim(s *Socket) bool {
	var auth struct{ PID, Offset *string }
	if s.conn.session.Protocol() != 4 || json.Unmarshal([]byte(s.auth), &auth) != nil ||
		auth.PID == nil || auth.Offset == nil || len(*auth.PID) != idSize {
		return false
	}
	after, ok := adapter.ParseStreamID(*auth.Offset)
	if !ok {
		return false
	}
	if live := st.holder(*auth.PID); live != nil {
		// The client knows that this connection is dead, the server does not yet.
		live.replace()
	}
	opts := st.ns.server.opts.Recovery.withDefaults()
	a := st.await(opts)
	ctx, cancel := context.WithTimeout(s.Context(), graceOfKeeper)
	defer cancel()
	limit := 2 << 20
	if buffer := st.ns.server.opts.Engine.MaxBuffer; buffer > 0 {
		limit = buffer / 2
	}
	r, err := st.log.Restore(ctx, adapter.Return{PID: *auth.PID, After: after, MaxEvents: opts.MaxPackets, MaxBytes: limit})
	if err != nil || !st.welcome(s, a, r) {
		st.ns.mu.Lock()
		defer st.ns.mu.Unlock()
		st.landed(a)
		return false
	}
	s.restoreData(opts, r.Session.Data)
	return true
}

// holder returns the connected socket of a pid, or nil.
func (st *stream) holder(pid string) *Socket {
	st.ns.mu.Lock()
	defer st.ns.mu.Unlock()
	return st.seats[pid]
}

// await begins to keep what comes from the stream.
func (st *stream) await(opts Recovery) *arriving {
	st.ns.mu.Lock()
	defer st.ns.mu.Unlock()
	a := &arriving{room: opts.MaxBytes}
	st.arrivals = append(st.arrivals, a)
	return a
}

// landed ends what await has begun; ns.mu is held.
func (st *stream) landed(a *arriving) {
	if i := slices.Index(st.arrivals, a); i >= 0 {
		st.arrivals = slices.Delete(st.arrivals, i, i+1)
	}
}

// welcome gives s a session, unless it has left.
func (st *stream) welcome(s *Socket, a *arriving, r *adapter.Restored) bool {
	st.ns.mu.Lock()
	defer st.ns.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connecting {
		return false
	}
	a.session, a.missed, a.upTo = r.Session, r.Missed, r.UpTo
	s.id, s.recovered = r.Session.ID, true
	s.seat = &seat{pid: r.Session.PID, rooms: r.Session.Rooms, skip: r.UpTo, arriving: a}
	return true
}

// attach gives s its seat when it connects, and sends what its client has missed: what
// was read from the stream, and what has come from it since. Live it gets what is behind
// that. It returns false if that is not possible any more: the connection is closed, so
// that the client tries again. ns.mu and s.mu are held.
func (st *stream) attach(s *Socket) bool {
	if s.seat == nil {
		s.seat = &seat{pid: newID()}
		st.seats[s.seat.pid] = s
		return true
	}
	a := s.seat.arriving
	if a.over || st.ns.members.byID[s.id] != nil {
		s.conn.session.Close()
		return false
	}
	st.landed(a)
	s.seat.arriving = nil
	st.seats[s.seat.pid] = s
	for _, m := range st.messages(a) { // the client hands them out after the greeting
		s.conn.session.Send(m)
	}
	return true
}

// greeting is what the client is told. The id may be of another server's making.
func (at *seat) greeting(id string) []byte {
	data, _ := json.Marshal(struct { // strings
		SID string `json:"sid"`
		PID string `json:"pid"`
	}{id, at.pid})
	return data
}

// messages returns what the client of a is to get.
func (st *stream) messages(a *arriving) (list []*engineio.Message) {
	for _, op := range a.missed {
		list = append(list, st.encode(op, op.Logged.At))
	}
	for _, p := range a.later {
		if (p.at.IsZero() || a.upTo.Before(p.at)) && a.session.Gets(p.op) {
			list = append(list, st.encode(p.op, p.at))
		}
	}
	return list
}

// skips says whether the socket has got what is at a place of the stream; ns.mu is held.
func (s *Socket) skips(at adapter.StreamID) bool {
	if s.seat == nil || at.IsZero() || s.seat.skip.IsZero() {
		return false
	}
	if s.seat.skip.Before(at) {
		s.seat.skip = adapter.StreamID{} // nothing before comes any more
		return false
	}
	return true
}
