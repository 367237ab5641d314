package adapter

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// A Streamer is what an [Adapter] is besides if it can add broadcasts to a stream, as
// @socket.io/redis-streams-adapter does, from which all nodes, the sender's too, hand
// them to their clients: each event's place in the stream is the offset that clients
// come back with, to any node, also to servers of Node.js.
type Streamer interface {
	Adapter

	// Streams says whether the adapter does so as it is set up.
	Streams() bool

	// OpenStream is Open for a namespace whose clients may come back. Sessions are kept
	// for life.
	OpenStream(nsp string, local StreamLocal, life time.Duration) (Stream, error)
}

// Stream is a namespace's way to the other nodes. A Broadcast that is published with a
// number in [Logged.Own] is told to [StreamLocal.Added] when it has come back.
type Stream interface {
	Namespace

	// Save writes a session before long, which it gets from session at that time, nil
	// if there is nothing to write. It does not block, and calls session with no lock
	// held. Without a connection the session is lost.
	Save(session func() *StreamSession)

	// Restore takes a session out, and reads what its client has missed. The error is
	// [ErrNoSession], or [ErrTrimmed] if the place of r is not in the stream any more or
	// there is more than it allows, or says why the answer is not known.
	Restore(ctx context.Context, r Return) (*Restored, error)
}

// StreamLocal is what a namespace offers to its adapter in return.
type StreamLocal interface {
	Local

	// Added says that a broadcast of this node is in the stream. It keeps to the order
	// of Apply, which is that of the stream.
	Added(own uint64, at StreamID)
}

// A StreamSession is what is kept of a client that is away.
type StreamSession struct {
	PID   string // its secret
	ID    string // of its sockets
	Rooms []string
	Data  Event // the application's, one JSON value; without Data if there is none
}

// Gets says whether a broadcast was for the client.
func (s *StreamSession) Gets(op *Operation) bool {
	return (len(op.Rooms) == 0 || shares(s.Rooms, op.Rooms)) && !shares(s.Rooms, op.Except)
}

func shares(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// A Return is a client that comes back.
type Return struct {
	PID   string
	After StreamID // of the last event that it has had
	// MaxEvents and MaxBytes are how much it may have missed.
	MaxEvents, MaxBytes int
}

// Restored is what a client is given back.
type Restored struct {
	Session *StreamSession
	Missed  []*Operation // broadcasts that were for it, in the order of the stream
	UpTo    StreamID     // the stream was read up to there
}

// A StreamID is the place of an entry in a stream. The zero value is before all of
// them.
type StreamID struct{ Time, Number uint64 }

// ParseStreamID reads what [StreamID.String] returns. Of anything else it makes the zero
// value.
func ParseStreamID(s string) (id StreamID, ok bool) {
	first, second, _ := strings.Cut(s, "-")
	var err, err2 error
	id.Time, err = strconv.ParseUint(first, 10, 64)
	id.Number, err2 = strconv.ParseUint(second, 10, 64)
	if err != nil || err2 != nil {
		return StreamID{}, false
	}
	return id, true
}

// String returns the id as Redis writes it.
func (id StreamID) String() string {
	return strconv.FormatUint(id.Time, 10) + "-" + strconv.FormatUint(id.Number, 10)
}

// IsZero says that there is no such entry.
func (id StreamID) IsZero() bool { return id == StreamID{} }

// Before says whether an entry is before another.
func (id StreamID) Before(other StreamID) bool {
	return id.Time < other.Time || id.Time == other.Time && id.Number < other.Number
}

// Next returns the first place after id.
func (id StreamID) Next() StreamID {
	if id.Number++; id.Number == 0 {
		id.Time++
	}
	return id
}
