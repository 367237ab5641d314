package cluster

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// window is how many bytes of a connection may be under way, or wait to be taken,
// in each direction.
const window = 128 << 10

// maxChunk is how many bytes of it go into one record.
const maxChunk = 32 << 10

// A stream is one end of a connection that is relayed between two nodes: one that a
// client has with one of them, and that belongs to a session of the other. It is a
// [net.Conn]. What arrives carries its place in the stream, so that a loss is seen:
// then the stream is broken.
type stream struct {
	// Set once.
	node    *Node
	peer    *peer
	key     far
	session string // of the other node; "" if it is here

	mu       sync.Mutex
	changed  *sync.Cond // of mu
	in       []byte     // arrived, and not taken
	arrived  uint64     // bytes in all
	taken    uint64     // bytes in all
	granted  uint64     // taken, as far as the other side was told
	inEnd    bool       // nothing more arrives
	sent     uint64     // bytes in all
	allowed  uint64     // how many may be sent in all
	outEnd   bool       // nothing more is sent
	err      error      // the stream is broken, or closed
	deadline [2]time.Time
	timer    [2]*time.Timer
}

// Indices of deadlines.
const (
	reading = iota
	writing
)

// newStream makes one end of a stream. With the session of the other node this node opens it,
// without one the other has. It returns nil if the node stops, or has that stream already.
func (n *Node) newStream(node string, id uint64, session string) *stream {
	s := &stream{node: n, peer: n.peer(node), key: far{node, id, session == ""}, session: session, allowed: window}
	s.changed = sync.NewCond(&s.mu)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.streams[s.key] != nil {
		return nil
	}
	n.streams[s.key] = s
	return s
}

// record returns a record of the stream.
func (s *stream) record(k kind, number uint64) record {
	r := record{kind: k, id: s.key.id, number: number}
	if !s.key.opener {
		r.flags = flagOpener
	}
	return r
}

// take handles a record of the other side.
func (s *stream) take(r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	switch r.kind {
	case kindData:
		if r.number != s.arrived || s.inEnd || s.arrived+uint64(len(r.body))-s.taken > window {
			s.breakLocked(errLost)
			return
		}
		s.in = append(s.in, r.body...) // a copy: the message around body may be much larger
		s.arrived += uint64(len(r.body))
	case kindEnd:
		if r.number != s.arrived {
			s.breakLocked(errLost)
			return
		}
		s.inEnd = true
	case kindCredit:
		if r.number > s.sent || r.number+window < s.allowed {
			s.breakLocked(errLost)
			return
		}
		s.allowed = r.number + window
		if r.flags&flagAsk != 0 {
			s.repeat(0)
		}
	}
	s.changed.Broadcast()
}

// breakLocked ends the stream on both sides; mu is held.
func (s *stream) breakLocked(why error) {
	if s.err == nil {
		s.endLocked(why)
		s.peer.send(s.record(kindReset, 0))
	}
}

// endLocked ends the stream on this side; mu is held.
func (s *stream) endLocked(why error) {
	s.err, s.in = why, nil
	for _, t := range s.timer {
		if t != nil {
			t.Stop()
		}
	}
	s.changed.Broadcast()
	s.node.removeStream(s)
}

func (n *Node) removeStream(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, s.key)
}

// reset breaks the stream.
func (s *stream) reset(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breakLocked(why)
}

// Read implements [net.Conn].
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.awaitInput(); err != nil {
		return 0, err
	}
	n := copy(p, s.in)
	if s.in = s.in[n:]; len(s.in) == 0 {
		s.in = nil
	}
	s.took(n)
	return n, nil
}

// next returns all that has arrived, and waits until there is something.
func (s *stream) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.awaitInput(); err != nil {
		return nil, err
	}
	in := s.in
	s.in = nil
	return in, nil
}

// done says that n bytes of what next has returned are dealt with.
func (s *stream) done(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.took(n)
	}
}

// awaitInput waits until something has arrived; mu is held.
func (s *stream) awaitInput() error {
	for {
		switch {
		case len(s.in) > 0:
			return nil
		case s.err != nil:
			return s.err
		case s.inEnd:
			return io.EOF
		case s.late(reading):
			return os.ErrDeadlineExceeded
		}
		s.changed.Wait()
	}
}

// took counts bytes that were taken, and tells the other side now and then; mu is held.
func (s *stream) took(n int) {
	s.taken += uint64(n)
	if s.taken-s.granted >= window/2 {
		s.granted = s.taken
		s.peer.send(s.record(kindCredit, s.taken))
	}
}

// Write implements [net.Conn].
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		n, err := s.send(p[written:])
		written += n
		switch {
		case err != nil || written == len(p):
			return written, err
		case s.late(writing):
			return written, os.ErrDeadlineExceeded
		}
		s.changed.Wait()
	}
}

// remind says once more how far the stream is, so that the other side notices if something
// was lost, and asks it to do the same.
func (s *stream) remind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.repeat(flagAsk)
	}
}

// repeat says how far the stream is; mu is held.
func (s *stream) repeat(flags byte) {
	s.granted = s.taken
	credit := s.record(kindCredit, s.taken)
	credit.flags |= flags
	s.peer.send(credit)
	if s.outEnd {
		s.peer.send(s.record(kindEnd, s.sent))
		return
	}
	s.peer.send(s.record(kindData, s.sent)) // no bytes
}

// TryWrite is Write as far as that is possible without waiting.
func (s *stream) TryWrite(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.send(p)
}

// send sends as much of p as is allowed; mu is held.
func (s *stream) send(p []byte) (sent int, err error) {
	switch {
	case s.err != nil:
		return 0, s.err
	case s.outEnd:
		return 0, net.ErrClosed
	}
	for sent < len(p) && s.sent < s.allowed {
		chunk := p[sent:]
		chunk = chunk[:min(len(chunk), maxChunk, int(s.allowed-s.sent))]
		r := s.record(kindData, s.sent)
		r.body = chunk
		s.peer.send(r)
		sent += len(chunk)
		s.sent += uint64(len(chunk))
	}
	return sent, nil
}

// CloseWrite says that nothing more will be sent.
func (s *stream) CloseWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeWrite()
}

func (s *stream) closeWrite() {
	if s.err == nil && !s.outEnd {
		s.outEnd = true
		s.peer.send(s.record(kindEnd, s.sent))
	}
}

// Close implements [net.Conn]. What was sent before still arrives.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.closeWrite()
		s.endLocked(net.ErrClosed)
	}
	return nil
}

// late says whether a deadline has passed; mu is held.
func (s *stream) late(which int) bool {
	d := s.deadline[which]
	return !d.IsZero() && !time.Now().Before(d)
}

func (s *stream) setDeadline(which int, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer[which] != nil {
		s.timer[which].Stop()
		s.timer[which] = nil
	}
	if s.deadline[which] = t; !t.IsZero() && s.err == nil {
		s.timer[which] = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
	s.changed.Broadcast()
}

// SetReadDeadline implements [net.Conn].
func (s *stream) SetReadDeadline(t time.Time) error { s.setDeadline(reading, t); return nil }

// SetWriteDeadline implements [net.Conn].
func (s *stream) SetWriteDeadline(t time.Time) error { s.setDeadline(writing, t); return nil }

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error {
	s.setDeadline(reading, t)
	s.setDeadline(writing, t)
	return nil
}

// An address names an end of a stream.
type address string

func (a address) Network() string { return "damso" }
func (a address) String() string  { return string(a) }

// LocalAddr implements [net.Conn].
func (s *stream) LocalAddr() net.Addr { return address(s.node.id) }

// RemoteAddr implements [net.Conn].
func (s *stream) RemoteAddr() net.Addr { return address(fmt.Sprintf("%s/%d", s.key.node, s.key.id)) }
