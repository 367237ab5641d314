package engineio

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// A Receiver is what a session hands its events to: the layer above Engine.IO. It
// may be an [UpgradeObserver], a [DrainObserver] and a [PacketObserver] as well.
type Receiver interface {
	// Receive is called with each message of the client, one after the other. data
	// is only valid during the call. Receive must not wait for anything: a receiver
	// that has too much to do calls [Session.Pause].
	Receive(data []byte, binary bool)

	// Closed is called once, when the session has ended. It must not wait for
	// anything either. Nothing is received after it, but for the message that the
	// session is about to hand over at this moment. err says more than reason
	// does, or is nil.
	Closed(reason Reason, err error)
}

// state is where a session is in its life.
type state uint8

const (
	stateOpen    state = iota
	stateClosing       // by the server: what waits is still written, nothing is taken
	stateClosed
)

// closeTimeout is how long a closing session waits for its client to fetch what
// it still has to get.
const closeTimeout = 30 * time.Second

// keepQueue is the capacity of an outbox that is kept while it is empty.
const keepQueue = 16

// volatileLimit is the number of waiting bytes from which on a client counts as
// not being able to take a volatile message at once.
const volatileLimit = 64 << 10

// A Session is one client's Engine.IO session, over whichever transport it has
// now. All its methods are safe for concurrent use.
type Session struct {
	// Set before the session is known to anybody, then never written.
	srv        *Server
	shard      *shard
	shardIndex int
	id         string
	protocol   int
	base64     bool   // the client takes no binary (b64=1)
	jsonp      string // begins the answers to GETs, if the client polls by JSONP
	request    Request
	release    func() // from Options.Admit; nil if there is nothing to give back

	timer int // index in shard.timers, plus one; guarded by shard.mu

	// Guarded by mu.
	mu       sync.Mutex
	state    state
	why      Reason                   // that a closing session ends with
	receiver Receiver                 // nil while the handler is told of the session
	ended    *ending                  // how the session ended while receiver was nil
	failure  error                    // why the shard has to end the session
	ws       *wsConn                  // nil while the transport is polling
	poll     *poll                    // the GET that waits for something to send
	delivery *delivery                // messages on their way to the client through another node; else nil
	posting  bool                     // a POST is being read or taken
	reading  *http.ResponseController // of the POST that is being read, unless finish cut it off
	probe    *wsConn                  // wants to take over from polling
	released int                      // GETs answered at once because of probe
	beat     heartbeat                //
	deadline time.Duration            // of the upgrade, or of closing; 0 is none
	expiry   time.Duration            // set by CloseAfter; 0 is none
	resumed  chan struct{}            // closed when reading may go on; nil unless paused
	gone     bool                     // the client hung up during a pause

	text textEncoding // of the client's polling payloads; owned by the POST

	// The outbox: what waits to be written; guarded by mu.
	out      []*Message
	outStart int  // bytes of out[0] that were written already
	outSize  int  // bytes in all
	queued   bool // the shard knows that there is something to write
	flushing bool // somebody is writing
	blocked  bool // the connection is full, and a goroutine waits for it

	observing observing // what receiver is told besides messages; guarded by mu
}

// ID returns the session's id: 20 characters, unguessable, secret.
func (s *Session) ID() string { return s.id }

// Protocol returns the revision of the Engine.IO protocol: 3 or 4.
func (s *Session) Protocol() int { return s.protocol }

// Request returns what is kept of the request that opened the session.
func (s *Session) Request() *Request { return &s.request }

// Transport returns the name of the transport in use.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport()
}

func (s *Session) transport() string {
	switch {
	case s.ws == nil:
		return Polling
	case s.ws.frames.bare:
		return WebTransport
	default:
		return WebSocket
	}
}

// Send queues m for the client. It never blocks. What a closed session is sent is
// dropped.
func (s *Session) Send(m *Message) {
	if s.enqueue(m, false) {
		s.shard.write(s)
	}
}

// SendNow is Send for a caller that has nothing more to say for now, as with the
// answer to a question: it writes by itself instead of leaving that to the shard,
// which saves a change of goroutines. What the connection does not take at once
// is left to others, so that it does not block either.
func (s *Session) SendNow(m *Message) {
	if s.enqueue(m, false) {
		w := writers.Get().(*writer)
		s.flush(w)
		writers.Put(w)
	}
}

// SendVolatile is Send, unless the client can't take m at once: then m is dropped.
func (s *Session) SendVolatile(m *Message) {
	if s.enqueue(m, true) {
		s.shard.write(s)
	}
}

// enqueue puts m into the outbox and says whether the shard must be told.
func (s *Session) enqueue(m *Message, volatile bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || s.failure != nil {
		return false
	}
	if volatile && !s.writable() {
		s.srv.slow.volatile.Add(1)
		return false
	}
	if m.policy == KeepLatest && !s.writable() {
		s.supersede(m)
	}
	if s.outSize > 0 && s.outSize+m.size > s.srv.opts.MaxBuffer && !s.overflow(m) {
		s.queued = s.queued || s.failure != nil
		return s.failure != nil
	}
	return s.push(m)
}

// push is enqueue without questions; mu is held.
func (s *Session) push(m *Message) bool {
	s.out = append(s.out, m)
	s.outSize += m.size
	return s.mark()
}

// mark says whether the shard must be told that there is something to write; mu
// is held.
func (s *Session) mark() bool {
	if len(s.out) == 0 || s.queued || s.flushing || s.blocked || s.ws == nil && s.poll == nil {
		return false
	}
	s.queued = true
	return true
}

func (s *Session) writable() bool {
	if s.ws == nil {
		return s.poll != nil && len(s.out) == 0
	}
	return !s.blocked && s.outSize < volatileLimit
}

// Pause stops reading from the client until Resume, so that it notices by its own
// means that it is too fast. Up to [Options.MaxPayload] bytes that were
// already read may still be received.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resumed == nil && s.state == stateOpen {
		s.resumed = make(chan struct{})
		if s.ws != nil {
			s.ws.link.pause()
		}
	}
}

// Resume undoes Pause.
func (s *Session) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume()
}

func (s *Session) resume() {
	if s.resumed != nil {
		close(s.resumed)
		s.resumed = nil
		if s.ws != nil {
			s.ws.link.resume()
		}
		s.beat.resumed(s.srv.clock(), &s.srv.opts)
	}
}

// CloseAfter closes the session when d has passed, unless it is called again: with
// zero, to keep the session, or with another time.
func (s *Session) CloseAfter(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiry = 0
	if d > 0 && s.state == stateOpen {
		s.expiry = s.srv.clock() + d
		s.shard.schedule(s, s.expiry)
	}
}

// stillThere is a packet that a client of this protocol takes at any time.
func (s *Session) stillThere() *Message {
	if s.protocol == 3 {
		return noopPacket
	}
	return pingPacket
}

// hungUp notes that the client has closed its side of the connection, while the
// session is paused. What it sent before is still to be read, if the pause ends
// in time.
func (s *Session) hungUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

// awaitResume blocks until the session is not paused. It returns false if gaveUp
// was closed before that.
func (s *Session) awaitResume(gaveUp <-chan struct{}) bool {
	s.mu.Lock()
	resumed := s.resumed
	s.mu.Unlock()
	if resumed == nil {
		return true
	}
	select {
	case <-resumed:
		return true
	case <-gaveUp:
		return false
	}
}

// receive handles a packet that came over the session's transport. An error ends
// the session.
func (s *Session) receive(p enginewire.Packet) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return nil
	}
	if s.protocol == 4 && s.beat.waiting && p.Type != enginewire.Pong {
		s.beat.heard(s.srv.clock(), &s.srv.opts)
	}
	observed := s.observing&observesPackets != 0
	s.mu.Unlock()

	if observed {
		s.receiver.(PacketObserver).Packet(byte(p.Type), p.Data, p.Binary)
	}
	switch p.Type {
	case enginewire.Message:
		s.shard.in.messages.Add(1)
		s.receiver.Receive(p.Data, p.Binary)
	case enginewire.Ping:
		if s.protocol != 3 {
			return errHeartbeat
		}
		s.answered()
		s.Send(pongPacket)
	case enginewire.Pong:
		if s.protocol == 3 {
			return errHeartbeat
		}
		s.answered()
	case enginewire.Close:
		s.finish(TransportClose, nil)
	}
	return nil
}

func (s *Session) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beat.answered(s.srv.clock(), &s.srv.opts, s.protocol)
	if s.state == stateOpen {
		s.shard.schedule(s, s.beat.due) // before the end of the wait for the pong, if that is long
	}
}

// Packets that are the same for all.
var (
	pingPacket  = textPacket(enginewire.Ping, "")
	pongPacket  = textPacket(enginewire.Pong, "")
	closePacket = textPacket(enginewire.Close, "")
)

// tick does what is due at now. It is called by the shard alone.
func (s *Session) tick(now time.Duration) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.tickClosing(now)
		return
	}
	if due(s.deadline, now) {
		s.endProbe()
	}
	if due(s.expiry, now) {
		s.expiry = 0
		defer s.Close()
	}
	switch s.beat.tick(now, &s.srv.opts) {
	case beatPing:
		if s.push(pingPacket) {
			defer s.shard.write(s)
		}
	case beatLost:
		if s.resumed == nil || s.gone {
			reason := PingTimeout
			if s.gone {
				reason = TransportClose
			}
			s.mu.Unlock()
			s.finish(reason, nil)
			return
		}
		// A paused client can't be heard, but writing shows whether it is there.
		s.beat.due = now + s.srv.opts.PingTimeout
		if s.push(s.stillThere()) {
			defer s.shard.write(s)
		}
	}
	s.shard.schedule(s, s.nextTick())
	s.mu.Unlock()
}

// tickClosing is tick for a session that the server closes or has closed. It
// unlocks mu.
func (s *Session) tickClosing(now time.Duration) {
	overdue := s.state == stateClosing && due(s.deadline, now)
	if s.state == stateClosing && !overdue {
		s.shard.schedule(s, s.deadline)
	}
	why := s.why
	s.mu.Unlock()
	if overdue {
		s.finish(why, nil)
	}
}

// due says whether the time t, if there is one, has come.
func due(t, now time.Duration) bool { return t > 0 && now >= t }

// nextTick is when something is due next; mu is held.
func (s *Session) nextTick() time.Duration {
	next := s.beat.due
	for _, t := range []time.Duration{s.deadline, s.expiry} {
		if t > 0 {
			next = min(next, t)
		}
	}
	return next
}

// takeOut moves what is in the outbox to buf, as much as limit bytes and one message
// more at most; mu is held.
func (s *Session) takeOut(buf []*Message, limit int) []*Message {
	n := len(s.out)
	if s.outSize > limit {
		n = 0
		for size := 0; n < len(s.out) && size < limit; n++ {
			size += s.out[n].size
		}
	}
	buf = append(buf[:0], s.out[:n]...)
	clear(s.out[:n])
	if n < len(s.out) {
		s.out = s.out[n:]
		return buf
	}
	s.out = s.out[:0]
	if cap(s.out) > keepQueue {
		s.out = nil
	}
	return buf
}

// putBack puts what was not written in front of the outbox; mu is held.
func (s *Session) putBack(rest []*Message, start int) {
	s.out = slices.Concat(rest, s.out)
	s.outStart = start
}
