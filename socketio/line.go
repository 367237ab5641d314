package socketio

import (
	"container/list"
	"math"
	"slices"
	"time"
)

// A line is one client's life in a namespace, over all its connections. The mutex of
// the namespace guards it.
type line struct {
	pid string // the client's secret; set once
	id  string // of all its sockets; set once

	socket   *Socket       // connected; nil while the client is away
	before   *Socket       // left, with handlers still to run
	over     chan struct{} // closed when those of before are done
	claimant *Socket       // about to take over
	resume   uint64        // the position after which claimant goes on

	began  uint64            // nothing up to this position is the client's
	known  uint64            // the position after which all its rooms are known
	last   uint64            // position of the last event that a connected socket was sent
	had    uint64            // position up to which it has had all, as its answers show
	asked  map[uint64]uint64 // positions of events whose acknowledgement is awaited, by its id
	spans  []span            // its rooms, by the time at which it entered them
	closed int               // spans that have ended

	// While the client is away.
	parted  uint64        // position at which it left
	expires time.Duration // on the clock of the history
	away    *list.Element // in the history
	data    any
	values  []value
	acks    map[uint64]chan<- answer // where awaited acknowledgements go
	dead    bool

	*abroad // nil on a single node
}

// A span is a stay in a room: the events after from, up to and including to.
type span struct {
	room     string
	from, to uint64
	// What of the log of the cluster had arrived by then.
	fromSeen, toSeen uint64
}

// open is the end of a stay that goes on.
const open = math.MaxUint64

// maxStays is how many stays that are over a line remembers.
const maxStays = 1024

// keep keeps what the application has with s.
func (l *line) keep(s *Socket) {
	l.data = s.data
	if s.extra != nil {
		l.values = slices.Clone(s.extra.values)
	}
}

// enter notes that the client is in a room from now on.
func (l *line) enter(room string, now, seen uint64) {
	if l.stay(room) < 0 {
		l.spans = append(l.spans, span{room: room, from: now, to: open, fromSeen: seen})
	}
}

// exit notes that it is so no more. The oldest stays are forgotten if there are too
// many, and with them all that was before their ends.
func (l *line) exit(room string, now, seen uint64) {
	i := l.stay(room)
	if i < 0 {
		return
	}
	if l.spans[i].from == now && l.spans[i].fromSeen == seen {
		l.spans = slices.Delete(l.spans, i, i+1)
		return
	}
	l.spans[i].to, l.spans[i].toSeen = now, seen
	if l.closed++; l.closed > maxStays {
		l.forget(now, seen)
	}
}

// forget forgets the stays that are over.
func (l *line) forget(now, seen uint64) {
	l.known, l.closed = now, 0
	if l.abroad != nil {
		l.forgot(now, seen)
	}
	l.spans = slices.DeleteFunc(l.spans, func(s span) bool { return s.to != open })
}

// stay returns the index of the stay in room that goes on, or -1.
func (l *line) stay(room string) int {
	return slices.IndexFunc(l.spans, func(s span) bool { return s.room == room && s.to == open })
}

// rooms returns the rooms that the client is in.
func (l *line) rooms() (names []string) {
	for _, s := range l.spans {
		if s.to == open {
			names = append(names, s.room)
		}
	}
	return names
}

// in says whether the client was in one of rooms at a position.
func (l *line) in(rooms []string, at uint64) bool {
	for _, room := range rooms {
		if room == l.id {
			return true
		}
		for _, s := range l.spans {
			if s.room == room && s.from < at && at <= s.to {
				return true
			}
		}
	}
	return false
}

// gets says whether the event at a position was for the client.
func (l *line) gets(e *logged, at uint64) bool {
	if e.asked != nil {
		return e.asked.line == l && l.acks[e.asked.id] != nil
	}
	if l.abroad != nil && (e.n != 0 && e.n <= l.skip || e.shared && at <= l.skipOwn) {
		return false // it got that from the log
	}
	return (len(e.rooms) == 0 || l.in(e.rooms, at)) && !l.in(e.except, at)
}
