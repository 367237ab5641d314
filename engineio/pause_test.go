package engineio

import (
	"testing"
	"time"
)

// TestPausedClientLeaves pauses sessions whose clients then leave: nobody reads
// that they do, but the session ends all the same when its time comes.
func TestPausedClientLeaves(t *testing.T) {
	h := newPeers()
	h.wrap = func(p *peer) Receiver { return &pauser{p} }
	for _, secure := range []bool{false, true} {
		for _, eio := range []string{"EIO=4", "EIO=3"} {
			s := serveWith(t, h, Options{}, secure)
			c := s.websocket(eio)
			c.packet("4a")
			c.wantMessage(t, "a")
			_ = c.conn.Close()
			later := s.srv.clock()
			eventually(t, "end", func() bool {
				later += time.Minute
				c.session.tick(later)
				return len(c.closed) > 0
			})
			c.wantClosed(t, TransportClose)
		}
	}
}
