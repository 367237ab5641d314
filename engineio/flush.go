package engineio

// flush writes what waits for the session, as far as that is possible without
// waiting. Whoever comes while another one flushes leaves it to that one.
func (s *Session) flush(w *writer) {
	s.mu.Lock()
	s.queued = false
	if s.failure != nil {
		err := s.failure
		s.mu.Unlock()
		s.finish(TransportError, err)
		return
	}
	if s.flushing || s.blocked || s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	s.flushing = true
	var ended bool
	var reason Reason
	var err error
	if s.ws == nil {
		ended, reason = s.flushPoll()
	} else {
		ended, reason, err = s.flushWS(w)
	}
	s.flushing = false
	s.mu.Unlock()
	if ended {
		s.finish(reason, err)
	}
}

// flushPoll answers the waiting GET, if there is one; mu is held.
func (s *Session) flushPoll() (ended bool, reason Reason) {
	if s.poll == nil || len(s.out) == 0 {
		return false, ""
	}
	s.poll.answer(s.payload())
	s.poll = nil
	return s.state == stateClosing, ForcedClose
}

// flushWS writes to the WebSocket until nothing is left, or the connection is
// full; mu is held, except while it writes.
func (s *Session) flushWS(w *writer) (ended bool, reason Reason, err error) {
	for len(s.out) > 0 {
		err := s.writeBatch(w)
		if err == errWouldBlock {
			s.blocked = true
			s.srv.wg.Go(s.drain) // the caller is one of these itself
			return false, "", nil
		}
		if err != nil {
			return true, TransportClose, err
		}
	}
	return s.state == stateClosing, ForcedClose, nil
}

// writeBatch writes what is in the outbox now, and puts back what the connection
// does not take; mu is held, except while it writes.
func (s *Session) writeBatch(w *writer) error {
	w.batch = s.takeOut(w.batch)
	conn, start := s.ws, s.outStart
	s.outStart = 0
	s.mu.Unlock()
	sent, rest, err := w.send(conn, s.frames(), w.batch, start)
	s.mu.Lock()
	for _, m := range w.batch[:sent] {
		s.outSize -= m.size
	}
	if sent < len(w.batch) {
		s.putBack(w.batch[sent:], rest)
	}
	clear(w.batch)
	return err
}

// drain writes to a connection that was full, waiting for it, until the outbox is
// empty.
func (s *Session) drain() {
	w := &writer{wait: true}
	s.mu.Lock()
	var err error
	for len(s.out) > 0 && err == nil && s.state != stateClosed {
		err = s.writeBatch(w)
	}
	s.blocked = false
	ended, reason := s.state == stateClosing, ForcedClose
	s.mu.Unlock()
	if err != nil {
		ended, reason = true, TransportClose
	}
	if ended {
		s.finish(reason, err)
	}
}

func (s *Session) frames() format {
	if s.protocol == 3 {
		return frames3
	}
	return frames4
}
