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
	waiting := len(s.out) > 0
	var ended bool
	var reason Reason
	var err error
	if s.ws == nil {
		ended, reason = s.flushPoll()
	} else {
		ended, reason, err = s.flushWS(w)
	}
	s.flushing = false
	drained := waiting && s.drained()
	s.mu.Unlock()
	if ended {
		s.finish(reason, err)
		return
	}
	s.tellDrained(drained)
}

// flushPoll answers the waiting GET, if there is one; mu is held.
func (s *Session) flushPoll() (ended bool, reason Reason) {
	if s.poll == nil || len(s.out) == 0 && s.state != stateClosing {
		return false, ""
	}
	body, ended := s.payload()
	s.poll.answer(body)
	s.poll = nil
	return ended, ForcedClose
}

// flushWS writes to the WebSocket until nothing is left, or the connection is
// full; mu is held, except while it writes.
func (s *Session) flushWS(w *writer) (ended bool, reason Reason, err error) {
	for len(s.out) > 0 {
		err := s.writeBatch(w, s.ws.link.write)
		if err == errWouldBlock {
			s.blocked = true
			s.ws.link.drain()
			return false, "", nil
		}
		if err != nil {
			return true, TransportClose, err
		}
	}
	return s.state == stateClosing, s.why, nil
}

// writeBatch writes what is in the outbox now, and puts back what the connection does
// not take; mu is held, except while it writes. It leaves the most of a full outbox
// there, since only that can be dropped, see SlowPolicy.
func (s *Session) writeBatch(w *writer, write func([]byte) (int, error)) error {
	w.batch = s.takeOut(w.batch, s.srv.opts.MaxBuffer/4)
	start, f := s.outStart, framing{s.ws.format(), s.ws.deflate}
	s.outStart = 0
	s.mu.Unlock()
	sent, rest, err := w.send(write, f, w.batch, start)
	messages := 0
	for _, m := range w.batch[:sent] {
		messages += m.messages()
	}
	s.shard.out.add(messages, w.written)
	s.mu.Lock()
	defer clear(w.batch)
	if s.state == stateClosed {
		return err // finish has emptied the outbox, which keeps nothing
	}
	for _, m := range w.batch[:sent] {
		s.outSize -= m.size
	}
	if sent < len(w.batch) {
		s.putBack(w.batch[sent:], rest)
	}
	return err
}

// unblock goes on with a connection that was full and takes more now.
func (s *Session) unblock(w *writer) {
	s.mu.Lock()
	s.blocked = false
	s.mu.Unlock()
	s.flush(w)
}

// drainWith writes with a write that blocks, until the outbox is empty, in place
// of those that leave a blocked session alone.
func (s *Session) drainWith(write func([]byte) (int, error)) {
	w := writers.Get().(*writer)
	defer writers.Put(w)
	s.mu.Lock()
	var err error
	for len(s.out) > 0 && err == nil && s.state != stateClosed {
		err = s.writeBatch(w, write)
	}
	s.blocked = false
	ended, reason := s.state == stateClosing, s.why
	drained := s.drained()
	s.mu.Unlock()
	if err != nil {
		ended, reason = true, TransportClose
	}
	if ended {
		s.finish(reason, err)
		return
	}
	s.tellDrained(drained)
}
