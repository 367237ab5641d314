package engineio

// A Fanout sends messages to many sessions and wakes each of their shards only
// once, by Flush. The zero value is ready for use; it is not safe for
// concurrent use.
type Fanout struct {
	dirty [][]*Session // by shard
}

// Send is [Session.Send], except that nothing is written before Flush.
func (f *Fanout) Send(s *Session, m *Message) {
	if s.enqueue(m, false) {
		f.mark(s)
	}
}

// SendVolatile is [Session.SendVolatile], except that nothing is written before
// Flush.
func (f *Fanout) SendVolatile(s *Session, m *Message) {
	if s.enqueue(m, true) {
		f.mark(s)
	}
}

func (f *Fanout) mark(s *Session) {
	for len(f.dirty) <= s.shardIndex {
		f.dirty = append(f.dirty, nil)
	}
	f.dirty[s.shardIndex] = append(f.dirty[s.shardIndex], s)
}

// Flush lets the shards write what was sent since the last call.
func (f *Fanout) Flush() {
	for i, sessions := range f.dirty {
		if len(sessions) > 0 {
			sessions[0].shard.write(sessions...)
			clear(sessions)
			f.dirty[i] = sessions[:0]
		}
	}
}
