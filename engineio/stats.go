package engineio

import (
	"slices"
	"sync/atomic"

	"github.com/damso/damso/internal/enginewire"
)

// Stats are a server's figures: what there is, and what it has counted since it was
// made. Each map has all its keys, also those of nothing.
type Stats struct {
	Open     map[Kind]int      // sessions that are open
	Opened   map[Kind]uint64   // sessions that were opened, by the transport they began with
	Upgraded map[Kind]uint64   // upgrades from polling, by what the session is since
	Closed   map[Reason]uint64 // sessions that have ended
	SentAway uint64            // sessions that Drain and Thin have closed
	Refused  map[Refusal]uint64

	// Engine.IO messages, without pings and the like. Bytes are those of frames and of
	// polling payloads as they are on the wire, without HTTP's headers and TLS; what a
	// client sends compressed counts as it comes.
	MessagesReceived, MessagesSent uint64
	BytesReceived, BytesSent       uint64

	Slow    SlowStats
	Closing bool // new sessions are refused, see [Server.Closing]
}

// A Kind of session.
type Kind struct {
	Protocol  int // 3 or 4
	Transport string
}

// kinds are all there are.
var kinds = [...]Kind{{3, Polling}, {3, WebSocket}, {4, Polling}, {4, WebSocket}, {4, WebTransport}}

// reasons are all there are.
var reasons = [...]Reason{TransportClose, TransportError, PingTimeout, ParseError, ForcedClose}

// A Refusal is why a request of a client was not served.
type Refusal string

// Refusals. The first six are those of [ConnectionError], by its code.
const (
	RefusedTransport Refusal = "transport unknown"
	RefusedSession   Refusal = "session unknown" // with servers that don't know each other: requests split over them
	RefusedMethod    Refusal = "bad handshake method"
	RefusedRequest   Refusal = "bad request"
	RefusedForbidden Refusal = "forbidden" // by AllowRequest or Admit
	RefusedProtocol  Refusal = "unsupported protocol version"
	RefusedBusy      Refusal = "busy"           // the way to other nodes is full, see ErrBusy
	RefusedTooMany   Refusal = "too many"       // by Options.Admission
	RefusedClosing   Refusal = "server closing" // after Drain or Shutdown
)

// refusals are all there are.
var refusals = [...]Refusal{
	RefusedTransport, RefusedSession, RefusedMethod, RefusedRequest, RefusedForbidden, RefusedProtocol,
	RefusedBusy, RefusedTooMany, RefusedClosing,
}

// Stats returns the figures. Those of one moment may not fit each other to the last.
func (s *Server) Stats() Stats {
	c := &s.counters
	st := Stats{
		Open: map[Kind]int{}, Opened: map[Kind]uint64{}, Upgraded: map[Kind]uint64{}, Closed: map[Reason]uint64{}, Refused: map[Refusal]uint64{},
		SentAway: c.sentAway.Load(), Slow: s.SlowStats(), Closing: s.Closing(),
	}
	for i, k := range kinds {
		st.Open[k], st.Opened[k] = int(c.open[i].Load()), c.opened[i].Load()
		if k.Transport != Polling {
			st.Upgraded[k] = c.upgraded[i].Load()
		}
	}
	for i, r := range reasons {
		st.Closed[r] = c.closed[i].Load()
	}
	for i, r := range refusals {
		st.Refused[r] = c.refused[i].Load()
	}
	for _, sh := range s.shards {
		st.MessagesReceived += sh.in.messages.Load()
		st.BytesReceived += sh.in.bytes.Load()
		st.MessagesSent += sh.out.messages.Load()
		st.BytesSent += sh.out.bytes.Load()
	}
	return st
}

// counters are what a Server counts when sessions come and go.
type counters struct {
	open             [len(kinds)]atomic.Int64
	opened, upgraded [len(kinds)]atomic.Uint64
	closed           [len(reasons)]atomic.Uint64
	refused          [len(refusals)]atomic.Uint64
	sentAway         atomic.Uint64
}

func (c *counters) refuse(r Refusal) { c.refused[slices.Index(refusals[:], r)].Add(1) }

// add counts a new session, of the kind of that index.
func (c *counters) add(kind int) {
	c.open[kind].Add(1)
	c.opened[kind].Add(1)
}

// move counts an upgrade.
func (c *counters) move(from, to int) {
	c.open[from].Add(-1)
	c.open[to].Add(1)
	c.upgraded[to].Add(1)
}

// remove counts the end of a session.
func (c *counters) remove(kind int, why Reason) {
	c.open[kind].Add(-1)
	c.closed[slices.Index(reasons[:], why)].Add(1)
}

// kind is the index of what s is at the moment; mu is held.
func (s *Session) kind() int {
	k := Kind{s.protocol, s.transport()}
	if k.Transport == WebTransport {
		k.Protocol = 4 // whatever another node says, which relays the stream
	}
	return slices.Index(kinds[:], k)
}

// traffic is what the sessions of a shard receive, or send. It has a cache line of its
// own, since one goroutine writes it, nearly always.
type traffic struct {
	_               [64]byte
	messages, bytes atomic.Uint64
	_               [48]byte
}

func (t *traffic) add(messages, bytes int) {
	if messages > 0 {
		t.messages.Add(uint64(messages))
	}
	t.bytes.Add(uint64(bytes))
}

// messages is how many Engine.IO messages m is: none if it is a packet of another type.
func (m *Message) messages() int {
	switch {
	case m.typ != enginewire.Message:
		return 0
	case m.frame == nil:
		return len(m.binary)
	default:
		return 1 + len(m.binary)
	}
}
