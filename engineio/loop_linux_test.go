package engineio

import "testing"

// A link that was closed before it was started has a descriptor that may be
// another's by now, which goes on being read.
func TestLoopLinkClosedBeforeStart(t *testing.T) {
	s := serve(t, Options{})
	c, other := s.websocket("EIO=4"), s.websocket("EIO=4")
	c.packet("4started")
	c.wantMessage(t, "started")
	other.session.finish(ForcedClose, nil)
	link := c.session.ws.link.(*loopLink)
	dead := &loopLink{loop: link.loop, ws: other.session.ws, fd: link.fd}
	dead.closed.Store(true)
	dead.start()
	c.packet("4a")
	c.wantMessage(t, "a")
}
