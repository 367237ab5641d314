package engineio

import "sync/atomic"

// A SlowPolicy says what happens to a message for which a session's outbox
// ([Options.MaxBuffer]) has no room, since its client is too slow. A message is kept or
// dropped with its binary parts, and what was begun to be written is finished.
type SlowPolicy uint8

const (
	// CloseSlow ends the session with [ErrSlowClient]: nothing is lost unnoticed. It is
	// the default. Messages of the policies below that may go are dropped first.
	CloseSlow SlowPolicy = iota
	// DropOldest drops waiting messages of DropOldest and KeepLatest, the oldest
	// first, as many as it takes, and the message itself if that is not enough.
	DropOldest
	// DropNewest drops the message.
	DropNewest
	// KeepLatest drops a waiting message of the same key, as soon as the client can't
	// take the new one at once, be there room or not; then it is as DropOldest. It is
	// for values of which only the last one counts. Looking for the key takes time that
	// grows with what waits: let there be hundreds of keys, not many thousands.
	KeepLatest
)

// IfSlow sets the policy of m, and the key of [KeepLatest], and returns m. It must be
// called before m is sent.
func (m *Message) IfSlow(p SlowPolicy, key string) *Message {
	m.policy = p
	if p == KeepLatest {
		m.key = &key
	}
	return m
}

// Size is about what the message takes in memory, in bytes, as it counts for
// [Options.MaxBuffer]. Formats that few sessions want are not in it.
func (m *Message) Size() int { return m.size }

// SlowStats counts what was not sent to clients that were too slow, since the server
// was made. A message counts once for each session.
type SlowStats struct {
	Closed        uint64 // sessions that were ended (CloseSlow)
	DroppedOldest uint64 // messages that were waiting and had to make room
	DroppedNewest uint64 // messages that found no room
	Replaced      uint64 // messages of KeepLatest that a newer one has replaced
	Volatile      uint64 // volatile messages that could not be taken at once
}

// SlowStats returns the counters.
func (s *Server) SlowStats() SlowStats {
	c := &s.slow
	return SlowStats{c.closed.Load(), c.oldest.Load(), c.newest.Load(), c.replaced.Load(), c.volatile.Load()}
}

type slowCounters struct{ closed, oldest, newest, replaced, volatile atomic.Uint64 }

// gives says whether a waiting message may be dropped for another one.
func (m *Message) gives() bool { return m.policy == DropOldest || m.policy == KeepLatest }

// overflow deals with m, for which there is no room. It says whether there is
// now; if not, either m is dropped or the session has failed. mu is held.
func (s *Session) overflow(m *Message) bool {
	if m.policy != DropNewest && s.evict(s.outSize+m.size-s.srv.opts.MaxBuffer) {
		return true
	}
	if m.policy != CloseSlow {
		s.srv.slow.newest.Add(1)
		return false
	}
	s.srv.slow.closed.Add(1)
	s.failure = ErrSlowClient
	return false
}

// evict drops the oldest waiting messages that may go, of at least size bytes in
// all, or none if there are not so many. mu is held.
func (s *Session) evict(size int) bool {
	start := s.waiting()
	end, free, n := start, 0, 0
	for ; free < size; end++ {
		if end == len(s.out) {
			return false
		}
		if m := s.out[end]; m.gives() {
			free += m.size
			n++
		}
	}
	// What stays moves back to where the outbox begins from now on.
	to := end
	for from := end - 1; from >= 0; from-- {
		if m := s.out[from]; from < start || !m.gives() {
			to--
			s.out[to] = m
		}
	}
	clear(s.out[:to])
	s.out = s.out[to:]
	s.outSize -= free
	s.srv.slow.oldest.Add(uint64(n))
	return true
}

// supersede drops the waiting message of m's key, if there is one. mu is held.
func (s *Session) supersede(m *Message) {
	for i := len(s.out) - 1; i >= s.waiting(); i-- {
		old := s.out[i]
		if old.policy != KeepLatest || *old.key != *m.key {
			continue
		}
		copy(s.out[i:], s.out[i+1:])
		s.out[len(s.out)-1] = nil
		s.out = s.out[:len(s.out)-1]
		s.outSize -= old.size
		s.srv.slow.replaced.Add(1)
		return
	}
}

// waiting is the index in the outbox of the first message that was not begun to be
// written. mu is held.
func (s *Session) waiting() int {
	if s.outStart > 0 {
		return 1
	}
	return 0
}
