package engineio

import (
	"time"

	"github.com/gobwas/ws"
)

// Close ends the session after what was sent to it so far has been written, at
// the latest after 30 seconds. It does not wait.
func (s *Session) Close() { s.close(ForcedClose, closeTimeout) }

// close is Close for any reason. It returns false if the session was closed before.
func (s *Session) close(why Reason, timeout time.Duration) bool {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return false
	}
	s.state, s.why = stateClosing, why
	deadline := s.srv.clock() + timeout
	s.deadline = deadline
	s.resume()
	mark := false
	if s.ws != nil {
		mark = s.push(s.farewell(s.ws))
	} else if s.poll != nil && !s.queued && !s.flushing {
		s.queued, mark = true, true
	}
	s.mu.Unlock()
	s.shard.schedule(s, deadline)
	if mark {
		s.shard.write(s)
	}
	return true
}

// closeFrame is a WebSocket close frame with status 1000.
var closeFrame = newControl(ws.CompiledCloseNormalClosure)

// An ending is how a session ended.
type ending struct {
	reason Reason
	err    error
}

// begin hands the session's events to r from now on.
func (s *Session) begin(r Receiver) {
	s.mu.Lock()
	s.receiver, s.observing = r, observes(r)
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		r.Closed(ended.reason, ended.err)
	}
}

// finish ends the session at once. Only the first call counts.
func (s *Session) finish(reason Reason, err error) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	conn, probe, receiver := s.ws, s.probe, s.receiver
	orderly := s.state == stateClosing && s.why == ForcedClose && len(s.out) == 0
	linger := conn != nil && orderly && s.srv.linger(conn)
	s.state = stateClosed
	s.srv.counters.remove(s.kind(), reason)
	if receiver == nil {
		s.ended = &ending{reason, err}
	}
	s.resume()
	s.delivered()
	s.out, s.outSize = nil, 0
	if s.poll != nil {
		s.poll.answer(closedPayload(s.protocol))
		s.poll = nil
	}
	if s.reading != nil {
		_ = s.reading.SetReadDeadline(past) // its goroutine waits for the client no more
		s.reading = nil
	}
	s.probe = nil
	s.mu.Unlock()

	s.shard.forget(s)
	s.srv.remove(s)
	if probe != nil {
		probe.link.close()
	}
	switch {
	case linger:
		conn.link.linger()
	case conn != nil:
		conn.link.close()
	}
	if receiver != nil {
		receiver.Closed(reason, err)
	}
	if s.release != nil {
		s.release()
	}
	s.srv.told()
}

// past is a time that is over, for the deadline of what is to end at once.
var past = time.Unix(1, 0)
