package engineio

import "github.com/gobwas/ws"

// Close ends the session after what was sent to it so far has been written, at
// the latest after 30 seconds. It does not wait.
func (s *Session) Close() {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state = stateClosing
	s.deadline = s.srv.clock() + closeTimeout
	s.resume()
	mark := false
	if s.ws != nil {
		mark = s.push(closeFrame)
	} else {
		mark = s.push(closePacket)
	}
	deadline := s.deadline
	s.mu.Unlock()
	s.shard.schedule(s, deadline)
	if mark {
		s.shard.write(s)
	}
}

// closeFrame is a WebSocket close frame without a status.
var closeFrame = newControl(ws.CompiledCloseNormalClosure)

// finish ends the session at once. Only the first call counts.
func (s *Session) finish(reason Reason, err error) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	orderly := s.state == stateClosing && len(s.out) == 0
	s.state = stateClosed
	s.resume()
	s.out, s.outSize = nil, 0
	if s.poll != nil {
		s.poll.answer(closedPayload(s.protocol))
		s.poll = nil
	}
	conn, probe := s.ws, s.probe
	s.probe = nil
	s.mu.Unlock()

	s.shard.forget(s)
	s.srv.remove(s)
	if probe != nil {
		probe.link.close()
	}
	if conn != nil {
		if orderly {
			conn.link.linger()
		} else {
			conn.link.close()
		}
	}
	s.receiver.Closed(reason, err)
	if s.release != nil {
		s.release()
	}
}
