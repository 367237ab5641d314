package adapter

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A Keeper is what an [Adapter] is besides, if clients of one node may come back to
// another: it keeps their sessions, and the events that they may have missed.
//
// Events that are kept are in a log, which is one for each namespace and has numbers
// that grow, see [Logged]. A node hands its own events to its clients before they have
// a number, and those of the others in the order of their numbers. So what a client
// has been handed is described by a [Place].
type Keeper interface {
	Adapter

	// Node returns the name of this node in the log: 6 characters of A-Z, a-z, 0-9, "-"
	// and "_", chosen at random when the process starts.
	Node() string

	// OpenKept is Open for a namespace whose events and sessions are to be kept. The error
	// wraps [errors.ErrUnsupported] if the adapter can't do that as it is set up.
	OpenKept(nsp string, local KeptLocal, keep Keep) (Kept, error)
}

// Keep says how much is kept.
type Keep struct {
	// Life is how long events are kept at least.
	Life time.Duration
	// MaxEvents is how many events are kept for each room, and for those that go to
	// the whole namespace.
	MaxEvents int
}

// Kept is a namespace's way to the other nodes, and to what is kept.
type Kept interface {
	Namespace

	// Keep writes a session before long. The adapter asks s for it when it writes, once
	// for all calls since it did so last. It does not block.
	Keep(pid string, s Source)

	// End ends a session of this node before long: nobody can come back to it. It does not
	// block.
	End(pid string)

	// Claim makes this node the one that has a session, and returns it as it was kept
	// last, and the node that had it. The error is [ErrNoSession], [ErrSessionEnded], or
	// says why it is not known.
	Claim(ctx context.Context, pid string) (s *Session, from string, err error)

	// Missed returns the events in the log that were sent to some rooms, for a client whose
	// session this node has claimed, and keeps with the session where that is. It waits
	// until this node hears what is sent to them afterwards, and until what it has
	// published before is in the log. The error is [ErrTrimmed] if some of the events are
	// not kept any more, or are too many, [ErrNoSession] if another node was faster, or
	// says that the log can't be read.
	Missed(ctx context.Context, m Missed) (Log, error)
}

var (
	// ErrNoSession means that no session of that name is kept.
	ErrNoSession = errors.New("adapter: no such session")

	// ErrSessionEnded means that the session was ended on purpose.
	ErrSessionEnded = errors.New("adapter: session has ended")

	// ErrTrimmed means that not all events of the log that were asked for are kept, or
	// that they are too many.
	ErrTrimmed = errors.New("adapter: events are not kept any more")
)

// KeptLocal is what a namespace offers to its adapter in return.
type KeptLocal interface {
	Local

	// Seen says that the events of other nodes up to a number in the log have arrived,
	// also those that were not handed to Apply since nobody wants them. It keeps to the
	// order of Apply.
	Seen(n uint64)

	// Moved says that another node has claimed a session that this one had. The session
	// is to be kept again: then [Source.Lost] tells whether that is still so.
	Moved(pid string)
}

// A Source is what knows a session. Its methods are called with no lock held.
type Source interface {
	// Session returns the session as it is now, nil if nothing is to be written.
	Session() *Session

	// Lost says that the session was not written, because another node has it, or since
	// it has ended.
	Lost()
}

// Logged is where an event is in the log.
type Logged struct {
	// Node is the name of the node that has published it.
	Node string
	// Own is the event's number among all events of that node, which grows. In an
	// [Operation] that is published, it asks to keep the event, unless it is 0.
	Own uint64
	// N is the event's number in the log, 0 if it is not there. It has 48 bits, and grows
	// also when the log is lost and begins anew.
	N uint64
	// At is the event's place in the stream of a [Streamer], if it has one.
	At StreamID
}

// A Place is a moment in the life of a node, as its clients see it: all events up to
// it have been handed to them.
type Place struct {
	Node string
	Own  uint64 // the node's own events up to this one
	Seen uint64 // the events of all others up to this number in the log
}

// Has says whether an event is before the place.
func (p Place) Has(e Logged) bool {
	if e.Node == p.Node {
		return e.Own <= p.Own
	}
	return e.N <= p.Seen
}

// After returns the place after e, for a client that is handed the log.
func (p Place) After(e Logged) Place {
	if e.Node == p.Node {
		p.Own = max(p.Own, e.Own)
	} else {
		p.Seen = max(p.Seen, e.N)
	}
	return p
}

// A Session is what is kept of a client.
type Session struct {
	PID string // its secret
	ID  string // of its sockets

	// Keep is how long it is kept without being written again. What is claimed has none.
	Keep time.Duration

	// Data is the application's, one JSON value; without Data if there is none.
	Data Event
	// Born is the place where it joined: nothing before is its.
	Born Place
	// Base is where the node that has it, or had it before it was claimed, took it over:
	// its Seen is the number up to which that node has handed the client the log.
	Base Place
	// Known is the place after which all of its stays are known.
	Known Place
	// Unlogged is the last event of the node that has kept it that is known not to be in
	// the log.
	Unlogged Logged
	// Stays are its rooms without that of its own id.
	Stays []Stay
}

// A Stay is the time of a client in a room.
type Stay struct {
	Room     string
	From, To Place // To has no Node while the stay goes on
}

// Open says that the stay goes on.
func (s Stay) Open() bool { return s.To.Node == "" }

// has says whether an event is within the stay.
func (s Stay) has(e Logged) bool { return !s.From.Has(e) && (s.Open() || s.To.Has(e)) }

// Gets says whether a broadcast from the log was for the client.
func (s *Session) Gets(op *Operation) bool {
	if s.Born.Has(op.Logged) {
		return false
	}
	return (len(op.Rooms) == 0 || s.in(op.Rooms, op.Logged)) && !s.in(op.Except, op.Logged)
}

func (s *Session) in(rooms []string, e Logged) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return room == s.ID || slices.ContainsFunc(s.Stays, func(stay Stay) bool { return stay.Room == room && stay.has(e) })
	})
}

// Rooms returns the rooms that the client is in, without that of its id.
func (s *Session) Rooms() (rooms []string) {
	for _, stay := range s.Stays {
		if stay.Open() {
			rooms = append(rooms, stay.Room)
		}
	}
	return rooms
}

// Missed says which events of the log are asked for.
type Missed struct {
	// PID is the client's.
	PID string
	// Own is the number of the last event of this node that is not for the client: what
	// follows it is sent by the node, unless it is in the log.
	Own uint64
	// After are the numbers after which events are asked for, by the rooms that they
	// were sent to; "" has those without rooms.
	After map[string]uint64
	// MaxEvents and MaxBytes are how many there may be.
	MaxEvents, MaxBytes int
}

// MissedAfter returns what to ask for if the client has been handed all up to a place.
func (s *Session) MissedAfter(at Place) Missed {
	m := Missed{PID: s.PID, After: map[string]uint64{"": at.Seen, s.ID: at.Seen}}
	for _, stay := range s.Stays {
		if !stay.Open() && (stay.To.Node == at.Node && stay.To.Own <= at.Own && stay.To.Seen <= at.Seen) {
			continue // it was over
		}
		after := max(at.Seen, stay.From.Seen)
		if n, ok := m.After[stay.Room]; ok {
			after = min(n, after)
		}
		m.After[stay.Room] = after
	}
	return m
}

// A Log is a part of a namespace's log.
type Log struct {
	// Events are broadcasts in the order of their numbers, each once. Their Logged is
	// complete.
	Events []*Operation
	// N is the number up to which the log was read.
	N uint64
}
