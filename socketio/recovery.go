package socketio

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// Recovery turns on connection state recovery: a client that loses its connection and
// comes back in time is the same socket again, with id, rooms and data, and gets the
// events that it has missed, in their order and each once. The zero value has the limits
// below, in memory and for each namespace.
//
// With an adapter that is an [adapter.Keeper], as classic PUB/SUB of package
// adapter/redis, it may come back to any node, also if the one that it has left was
// killed: sessions are kept there as they change, some milliseconds later, and events for
// each room. Then [Socket.Emit] is published, too. What only the node that it has left can give back:
// events of [Broadcast.Local] and of servers of Node.js, acknowledgements that are
// awaited, and what [Socket.SetValue] keeps. While the adapter can't be reached, clients
// come back to the same node only.
//
// With an adapter that is an [adapter.Streamer], as mode Streams of package adapter/redis,
// it is what socket.io does with @socket.io/redis-streams-adapter, and clients come back
// from servers of Node.js and to them. Broadcasts and [Socket.Emit] go to the clients here
// when they have come back from the stream, too, some time after the call returns: who is
// disconnected at once, or leaves a room, does not get them. While the adapter can't be reached
// they go at once, without an offset, as those of [Broadcast.Local] do; so do those that
// do not come back within two seconds, and then a client that comes back may get one
// twice. The session is kept when the client is lost: if its node is killed before it is
// noticed, the client is a new one. So it is if it has had no event with an offset. MaxSessions, acknowledgements that are awaited, and what
// [Socket.SetValue] keeps do not apply.
//
// It works with the clients of Socket.IO 4.6 and later, by themselves. To them, each
// event has one argument more, a string, which comes last: its offset. Events are
// kept from [Socket.Emit] and from broadcasts, of other nodes too. Volatile events are
// not.
//
// [Socket.EmitWithAck] waits for a client that is away, until it can't come back any
// more. The event, which has no offset, is sent again while the acknowledgement has
// not come: the client may get it twice, if the connection broke in between, as with
// its own option retries. Broadcasts
// that want acknowledgements are not kept (socket.io keeps neither).
//
// A socket that was disconnected on purpose, by either side, and one whose client
// broke the protocol are not recovered. A client that was is told so by its property
// recovered, and the server by [Socket.Recovered]; to the handlers of connection and
// disconnection it is a new [Socket] with the old id, and those of the old one have
// finished before the new one's begin, if they need no more than ten seconds. A client that can't be recovered joins as a
// new one. A namespace that is forgotten when it is empty
// ([Options.CleanupEmptyChildNamespaces]) takes with it what it keeps.
//
// https://github.com/socketio/socket.io/blob/main/packages/socket.io-adapter/lib/in-memory-adapter.ts
type Recovery struct {
	// MaxDisconnection is how long a client may be away, from the moment at which
	// the server notices. If zero, it is two minutes.
	MaxDisconnection time.Duration

	// SkipMiddlewares lets a client that comes back in without asking the
	// middlewares again. It has shown them what they wanted, and has a secret that
	// says so; but what has changed meanwhile, as a ban, is not seen. (It is true by
	// default in socket.io.)
	SkipMiddlewares bool

	// NodeOnly lets clients come back only to the node that they have left, also if the
	// adapter could bring them to others.
	NodeOnly bool

	// Data decodes what [Socket.SetData] was given on another node, where the client was
	// before. If nil, [Socket.Data] returns it as it is, a [Raw].
	Data func(Raw) (any, error)

	// MaxPackets is how many events are kept, and by an [adapter.Keeper] for each room. If zero, it is 10,000. When there are
	// more, the oldest are dropped, and clients that have missed one of them are not
	// recovered.
	MaxPackets int

	// MaxBytes is how much memory the kept events may take, like MaxPackets. If zero,
	// it is 32 MiB. One client gets at most half of its outbox
	// ([engineio.Options.MaxBuffer]); who has missed more is not recovered.
	MaxBytes int

	// MaxSessions is how many clients may be away at a time. If zero, it is 10,000.
	// When there are more, the one that has been away longest is not recovered.
	MaxSessions int
}

func (r *Recovery) check() error {
	if r != nil && (r.MaxDisconnection < 0 || r.MaxPackets < 0 || r.MaxBytes < 0 || r.MaxSessions < 0) {
		return errors.New("socketio: times and numbers in Recovery must not be negative")
	}
	return nil
}

func (r Recovery) withDefaults() Recovery {
	if r.MaxDisconnection == 0 {
		r.MaxDisconnection = 2 * time.Minute
	}
	if r.MaxPackets == 0 {
		r.MaxPackets = 10_000
	}
	if r.MaxBytes == 0 {
		r.MaxBytes = 32 << 20
	}
	if r.MaxSessions == 0 {
		r.MaxSessions = 10_000
	}
	return r
}

// recoverable are the reasons after which a client may come back. (Those of
// socket.io; while the server shuts down there is nothing to come back to.)
var recoverable = []Reason{TransportError, TransportClose, PingTimeout, ForcedServerClose, "forced close"}

// Recovered says whether the client was away and has come back, see [Recovery].
// Middlewares may ask, too.
func (s *Socket) Recovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered
}

// recoverable says whether the socket's events go to a history.
func (s *Socket) recoverable() bool {
	return s.ns.history != nil && s.conn.session.Protocol() == 4
}

// emitLogged sends an event as a broadcast to this socket alone. While the client is
// away it waits for it, and one that has come back gets it over its new connection.
func (s *Socket) emitLogged(e adapter.Event, volatile bool) error {
	op := &adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{s.id}, Event: e}
	op.Flags.Volatile = volatile
	m, offset := s.ns.encode(e)
	sockets, err := s.deliver(op, m, offset)
	s.ns.handlers.Load().sent(e, sockets...)
	return err
}

// deliver is Namespace.deliver for an event to this socket, unless it has gone for
// good.
func (s *Socket) deliver(op *adapter.Operation, m *engineio.Message, offset []byte) ([]*Socket, error) {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	l := s.line
	if l == nil || l.dead || l.claimant == s || op.Flags.Volatile && l.socket == nil {
		return nil, ErrDisconnected
	}
	sockets := s.ns.deliver(op, m, offset)
	if s.ns.history.log != nil && !op.Flags.Volatile {
		s.ns.share(op) // for the log, and for the node that the client may be at
	}
	return sockets, nil
}

// reclaim makes s the socket that its client had before, if it may be recovered. It
// waits for the handlers of that one. After it, the session may still be lost to
// somebody who is faster, or by time: history.attach tells.
func (s *Socket) reclaim() bool {
	if s.ns.stream != nil {
		return s.ns.stream.reclaim(s)
	}
	h := s.ns.history
	if h == nil || s.conn.session.Protocol() != 4 {
		return false
	}
	var auth struct{ PID, Offset *string }
	if json.Unmarshal([]byte(s.auth), &auth) != nil || auth.PID == nil || len(*auth.PID) != idSize {
		return false
	}
	var from *offset
	if auth.Offset != nil {
		at, ok := h.parseOffset(*auth.Offset)
		if !ok {
			return false
		}
		from = &at
	}
	if live := h.holder(*auth.PID); live != nil {
		// The client knows that this connection is dead, the server does not yet.
		live.replace()
	}
	if over := h.over(*auth.PID); over != nil {
		select {
		case <-over:
		case <-time.After(graceOfHandlers):
		case <-s.Context().Done():
			return false
		}
	}
	if h.log != nil {
		return h.claimAnywhere(*auth.PID, from, s)
	}
	return h.claim(*auth.PID, from, s)
}

// graceOfHandlers is how long a client that comes back waits for the handlers of its old
// socket, which may themselves wait for an answer of the client.
const graceOfHandlers = 10 * time.Second

// replace ends a socket whose client has come back over another connection. It has left
// its namespace when this returns, also if its connection is just being closed elsewhere.
func (s *Socket) replace() {
	s.leave(TransportClose, errReplaced, nil)
	s.conn.end(TransportClose, errReplaced)
}

var errReplaced = errors.New("socketio: client has come back over another connection")

// holder returns the connected socket of the line pid, or nil.
func (h *history) holder(pid string) *Socket {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	if l := h.lines[pid]; l != nil {
		return l.socket
	}
	return nil
}

// over returns what is closed when the handlers of the line's socket before are
// done, or nil.
func (h *history) over(pid string) <-chan struct{} {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	if l := h.lines[pid]; l != nil && l.before != nil {
		return l.over
	}
	return nil
}

// claim gives s what the line pid has kept, if its client can be recovered. The line
// waits for attach.
func (h *history) claim(pid string, at *offset, s *Socket) bool {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := h.lines[pid]
	if l == nil || l.socket != nil || s.state != connecting || l.expires <= h.now() || l.abroad != nil && l.gone {
		return false
	}
	from, ok := h.from(l, at)
	if !ok {
		return false
	}
	l.claimant, l.resume = s, from
	s.id, s.recovered, s.line = l.id, true, l
	s.data = l.data
	if len(l.values) > 0 {
		s.more().values = slices.Clone(l.values)
	}
	return true
}

// attach gives s its line when it connects: a new one, or the one it has claimed,
// and then sends what the client has missed. It returns false if that is not
// possible any more: the connection is closed, so that the client tries again. ns.mu
// and s.mu are held.
func (h *history) attach(s *Socket) bool {
	if !s.recovered {
		l := &line{pid: newID(), id: s.id, socket: s, began: h.position()}
		h.lines[l.pid], s.line = l, l
		h.settle(l)
		return true
	}
	l := s.line
	missed, ok := h.missed(l, l.resume)
	if l.claimant != s || h.lines[l.pid] != l || l.socket != nil || !ok {
		s.conn.session.Close()
		return false
	}
	h.back(l)
	l.socket, l.claimant = s, nil
	if l.abroad != nil && l.arrival != nil {
		missed = append(l.arrival.missed, missed...)
		h.arrive(l)
	}
	for _, m := range append(h.unanswered(l, l.resume), missed...) { // the client hands them out after the greeting
		s.conn.session.Send(m)
	}
	l.last = h.position()
	l.giveAcks(s)
	h.settle(l)
	return true
}

// part takes the end of s, whose line waits for the client if that may come back.
// ns.mu and s.mu are held.
func (h *history) part(s *Socket, reason Reason) {
	l := s.line
	if l == nil || l.socket != s {
		if l != nil && l.claimant == s { // it was refused
			s.line, l.claimant = nil, nil
			if l.abroad != nil && l.arrival != nil {
				h.giveUp(l)
			}
		}
		return
	}
	l.socket, l.before, l.over = nil, s, make(chan struct{})
	h.unsettle(l)
	if !h.mayReturn(reason) {
		h.end(l)
		return
	}
	l.keep(s)
	l.takeAcks(s)
	l.parted, l.expires = h.position(), h.now()+h.opts.MaxDisconnection
	l.away = h.away.PushBack(l)
	h.ns.members.wants.hold(l)
	h.changed(l)
	if h.away.Len() > h.opts.MaxSessions {
		h.drop(h.away.Front().Value.(*line))
	}
	if h.closed || l.abroad != nil && l.gone {
		h.drop(l)
	}
	h.arm()
}

// mayReturn says whether a client that was lost may come back. When this node shuts
// down, there may be others.
func (h *history) mayReturn(reason Reason) bool {
	if h.log != nil && reason == ServerShuttingDown {
		return true
	}
	return slices.Contains(recoverable, reason) && (h.log != nil || !h.ns.server.engine.Closing())
}

// finished notes that the handlers of s are done: what they have kept with it is for
// the socket that comes after.
func (h *history) finished(s *Socket) {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.line; l != nil && l.before == s {
		l.keep(s)
		close(l.over)
		l.before, l.over = nil, nil
		h.changed(l)
	}
}

// abandon forgets the session of a socket that is away: it was to be disconnected.
func (h *history) abandon(s *Socket) {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	if l := s.line; l != nil && l.socket == nil {
		h.end(l)
	}
}

// drop forgets a line; ns.mu is held.
func (h *history) drop(l *line) {
	h.back(l)
	if h.lines[l.pid] == l {
		delete(h.lines, l.pid)
	}
	l.dead = true
	l.endAcks()
}

// back takes a line out of those whose clients are away; ns.mu is held.
func (h *history) back(l *line) {
	if l.away != nil {
		h.away.Remove(l.away)
		l.away = nil
		h.ns.members.wants.release(l)
	}
}
