package socketio

import (
	"slices"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// A stream is what a namespace has instead of a history if its broadcasts go through a
// stream that all nodes read. They are handed to the clients here, too, when they come
// back from it: then their place is known, which is the offset.
type stream struct {
	// Set once.
	ns  *Namespace
	log adapter.Stream

	// Guarded by ns.mu.
	own      uint64             // number of the last broadcast that was published
	waiting  []passing          // those that have not come back, by number
	timer    *time.Timer        // for the first of waiting; nil if there is none
	arrivals []*arriving        // clients that are about to come back
	seats    map[string]*Socket // by pid
}

// A passing is a broadcast on its way through the stream.
type passing struct {
	op *adapter.Operation
	by time.Time // when it is waited for no more
}

const (
	// patience is how long a broadcast is waited for. After it, it is delivered without
	// an offset.
	patience = 2 * time.Second
	// maxPassing is how many may be on their way.
	maxPassing = 16_384
)

// A seat is the part of a socket that belongs to a stream. ns.mu guards it.
type seat struct {
	pid      string
	rooms    []string         // to be joined on connecting
	skip     adapter.StreamID // it has got the stream up to there from what was missed
	arriving *arriving        // nil unless it comes back
}

// openStream makes the way to the other nodes.
func (ns *Namespace) openStream(a adapter.Streamer) (adapter.Namespace, error) {
	st := &stream{ns: ns, seats: map[string]*Socket{}}
	life := ns.history.opts.MaxDisconnection
	ns.history, ns.stream = nil, st // before anything arrives
	log, err := a.OpenStream(ns.name, streamLocal{ns}, life)
	if err != nil {
		ns.stream = nil
		return nil, err
	}
	st.log = log
	return log, nil
}

// streamLocal is a namespace as its adapter sees it.
type streamLocal struct{ *Namespace }

// Added implements [adapter.StreamLocal]. What was published before and has not come
// back was lost on the way.
func (l streamLocal) Added(own uint64, at adapter.StreamID) {
	st := l.stream
	l.mu.Lock()
	n := 0
	for n < len(st.waiting) && st.waiting[n].op.Logged.Own < own {
		n++
	}
	told := st.release(n)
	if len(st.waiting) > 0 && st.waiting[0].op.Logged.Own == own {
		op := st.waiting[0].op
		st.waiting = st.waiting[1:]
		told = append(told, st.hand(op, at))
	}
	l.mu.Unlock()
	l.tell(told)
}

// A handed is a broadcast that was delivered, and to whom, see Namespace.deliver.
type handed struct {
	event   adapter.Event
	sockets []*Socket
}

func (ns *Namespace) tell(list []handed) {
	for _, h := range list {
		ns.handlers.Load().sent(h.event, h.sockets...)
	}
}

// send publishes a broadcast. If that can't be, it and what waits is delivered at once.
func (st *stream) send(op *adapter.Operation) {
	st.ns.mu.Lock()
	st.own++
	op.Logged.Own = st.own
	st.waiting = append(st.waiting, passing{op, time.Now().Add(patience)})
	var told []handed
	if len(st.waiting) > maxPassing || st.ns.cluster.Publish(op) != nil {
		told = st.release(len(st.waiting))
	}
	st.arm()
	st.ns.mu.Unlock()
	st.ns.tell(told)
}

// release delivers the first n of those that wait, without an offset; ns.mu is held.
func (st *stream) release(n int) (told []handed) {
	for _, p := range st.waiting[:n] {
		told = append(told, st.hand(p.op, adapter.StreamID{}))
	}
	st.waiting = slices.Delete(st.waiting, 0, n)
	return told
}

// arm lets late look at the first that waits; ns.mu is held.
func (st *stream) arm() {
	if st.timer == nil && len(st.waiting) > 0 {
		st.timer = time.AfterFunc(time.Until(st.waiting[0].by), st.late)
	}
}

// late releases what has waited for long enough.
func (st *stream) late() {
	st.ns.mu.Lock()
	st.timer = nil
	n, now := 0, time.Now()
	for n < len(st.waiting) && !st.waiting[n].by.After(now) {
		n++
	}
	told := st.release(n)
	st.arm()
	st.ns.mu.Unlock()
	st.ns.tell(told)
}

// close ends what the stream has started: what waits is delivered.
func (st *stream) close() {
	st.ns.mu.Lock()
	defer st.ns.mu.Unlock()
	st.release(len(st.waiting))
	if st.timer != nil {
		st.timer.Stop()
	}
}

// hand delivers a broadcast from the stream, or without a place in it; ns.mu is held.
func (st *stream) hand(op *adapter.Operation, at adapter.StreamID) handed {
	for _, a := range st.arrivals {
		a.add(op, at)
	}
	m := st.encode(op, at)
	return handed{op.Event, st.ns.deliverAt(op, at, m, nil)}
}

// encode makes a message of a broadcast. Unless it is volatile it has its place as one
// argument more, if it has one.
func (st *stream) encode(op *adapter.Operation, at adapter.StreamID) *engineio.Message {
	e := op.Event
	if end := len(e.Data) - 1; !op.Flags.Volatile && !at.IsZero() && end > 0 && e.Data[end] == ']' {
		e.Data = slices.Concat(e.Data[:end], []byte(`,"`+at.String()+`"]`))
	}
	return st.ns.server.encodePacket(packet.Packet{Type: packet.Event, Namespace: st.ns.name, Data: e.Data}, e.Attachments)
}

// awaits says whether events must be kept for somebody who is about to come back.
func (st *stream) awaits() bool { return st != nil && len(st.arrivals) > 0 }

// part lets the session of s be saved if its client may come back; s is still in its
// rooms. ns.mu and s.mu are held.
func (st *stream) part(s *Socket, reason Reason) {
	at := s.seat
	if at == nil {
		return
	}
	s.seat = nil
	if at.arriving != nil {
		st.landed(at.arriving)
		return
	}
	if st.seats[at.pid] == s {
		delete(st.seats, at.pid)
	}
	if reason != ServerShuttingDown && !slices.Contains(recoverable, reason) {
		return
	}
	session := &adapter.StreamSession{PID: at.pid, ID: s.id, Rooms: st.ns.members.roomsOf(s)}
	st.log.Save(func() *adapter.StreamSession {
		session.Data = st.ns.encodeData(s.id, s.Data())
		return session
	})
}
