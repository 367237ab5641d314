package engineio

import (
	"testing"
	"time"
)

// TestPausedClientLeaves pauses sessions whose clients then leave: nobody reads
// that they do, but the session ends all the same.
func TestPausedClientLeaves(t *testing.T) {
	opts := Options{PingInterval: 10 * time.Millisecond, PingTimeout: 30 * time.Millisecond}
	h := newPeers()
	h.wrap = func(p *peer) Receiver { return &pauser{p} }
	for _, secure := range []bool{false, true} {
		for _, eio := range []string{"EIO=4", "EIO=3"} {
			s := serveWith(t, h, opts, secure)
			c := s.websocket(eio)
			c.packet("4a")
			c.wantMessage(t, "a")
			_ = c.conn.Close()
			c.wantClosed(t, TransportClose)
		}
	}
}
