package engineio

import (
	"syscall"
	"testing"
)

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

// What was noticed about a closed connection is not taken for news of the one that
// has its descriptor now.
func TestLoopStaleEvent(t *testing.T) {
	s := serve(t, Options{})
	c := s.websocket("EIO=4")
	c.packet("4started")
	c.wantMessage(t, "started")
	link := c.session.ws.link.(*loopLink)
	e := syscall.EpollEvent{Fd: int32(link.fd), Pad: link.number}
	if link.loop.find(e) != link {
		t.Error("not found")
	}
	for _, e := range []syscall.EpollEvent{{Fd: e.Fd, Pad: e.Pad - 1}, {Fd: e.Fd + 1, Pad: e.Pad}, {Fd: 1 << 20, Pad: e.Pad}} {
		if link.loop.find(e) == link {
			t.Errorf("found for %+v", e)
		}
	}
}
