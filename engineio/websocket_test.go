package engineio

import (
	"errors"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/enginewire"
)

// bothLinks runs a test over plain TCP, which a loop may read, and over TLS.
func bothLinks(t *testing.T, opts Options, test func(t *testing.T, s *site)) {
	for name, secure := range map[string]bool{"tcp": false, "tls": true} {
		t.Run(name, func(t *testing.T) { test(t, serveWith(t, newPeers(), opts, secure)) })
	}
}

func TestWebSocketMessages(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.dial("EIO=4")
		open := c.read()
		c.peer = await(t, s.opened, "session")
		if want := `0{"sid":"` + c.session.ID() + `","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`; open != want {
			t.Errorf("got %s, want %s", open, want)
		}
		if c.session.Transport() != WebSocket || s.srv.Sessions() != 1 {
			t.Errorf("transport %s, %d sessions", c.session.Transport(), s.srv.Sessions())
		}

		c.write(frame(ws.OpText, "4안녕"), frame(ws.OpBinary, "\x00\xff"), frame(ws.OpText, "bAAH/"), frame(ws.OpText, "4"), frame(ws.OpBinary, ""), frame(ws.OpText, "6"),
			fragment(ws.OpText, false, "4\xec"), frame(ws.OpPing, ""), fragment(ws.OpContinuation, false, "\x95"), fragment(ws.OpContinuation, true, "\x88"))
		if f := c.next(); f.Header.OpCode != ws.OpPong {
			t.Errorf("%x", f.Header.OpCode)
		}
		for _, want := range []received{{"안녕", false}, {"\x00\xff", true}, {"\x00\x01\xff", true}, {"", false}, {"", true}, {"안", false}} {
			if got := await(t, c.messages, "message"); got != want {
				t.Errorf("received %v, want %v", got, want)
			}
		}

		c.session.Send(NewMessage(append(make([]byte, Headroom), "안녕"...), [][]byte{{0, 255}, {}}))
		c.session.Send(text(strings.Repeat("a", 70_000)))
		var got []string
		for range 4 {
			got = append(got, string(c.next().Payload))
		}
		if diff := cmp.Diff([]string{"4안녕", "\x00\xff", "", "4" + strings.Repeat("a", 70_000)}, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestWebSocketMessages3(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=3")
		c.write(frame(ws.OpText, "4안녕"), frame(ws.OpBinary, "\x04\x00\xff"), frame(ws.OpText, "b4AAH/"), frame(ws.OpText, "2"), frame(ws.OpText, "4last"))
		for _, want := range []received{{"안녕", false}, {"\x00\xff", true}, {"\x00\x01\xff", true}, {"last", false}} {
			if got := await(t, c.messages, "message"); got != want {
				t.Errorf("received %v, want %v", got, want)
			}
		}
		if got := c.read(); got != "3" {
			t.Errorf("answer to a ping: %q", got)
		}
		c.session.Send(NewMessage(append(make([]byte, Headroom), "é"...), [][]byte{{0, 255}}))
		if got := c.read(); got != "4é" {
			t.Errorf("%q", got)
		}
		if got := c.next(); got.Header.OpCode != ws.OpBinary || string(got.Payload) != "\x04\x00\xff" {
			t.Errorf("%q", got.Payload)
		}
	})
}

func TestWebSocketPing(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		c.write(frame(ws.OpPong, "unasked"), frame(ws.OpPing, ""), frame(ws.OpPing, strings.Repeat("p", 125)))
		for _, want := range []string{"", strings.Repeat("p", 125)} {
			if f := c.next(); f.Header.OpCode != ws.OpPong || string(f.Payload) != want {
				t.Errorf("%x %q", f.Header.OpCode, f.Payload)
			}
		}
	})
}

// The client's close frame is answered, and the connection ends.
func TestWebSocketCloseByClient(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		c.write(frame(ws.OpText, "4a"), frame(ws.OpClose, "\x03\xe8"), frame(ws.OpText, "4b"))
		c.wantMessage(t, "a")
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("frame of type %x", f.Header.OpCode)
		}
		c.wantClosed(t, TransportClose)
		c.wantEnd()
		if len(c.messages) > 0 {
			t.Error("received something after the close frame")
		}
	})
}

func TestWebSocketClosePacket(t *testing.T) {
	c := serve(t, Options{}).websocket("EIO=4")
	c.packet("1")
	c.wantClosed(t, TransportClose)
	c.wantEnd()
}

// What was sent before Close arrives, then a close frame. The connection ends when
// the client has answered.
func TestWebSocketCloseByServer(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		c.session.Send(text("last"))
		c.session.Close()
		c.session.Send(text("too late"))
		if got := c.read(); got != "4last" {
			t.Errorf("%q", got)
		}
		f := c.next()
		if f.Header.OpCode != ws.OpClose || string(f.Payload) != "\x03\xe8" {
			t.Errorf("%x %q", f.Header.OpCode, f.Payload)
		}
		c.wantClosed(t, ForcedClose)
		if n := s.srv.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
		c.write(frame(ws.OpText, "4ignored"), frame(ws.OpPing, ""), frame(ws.OpClose, "\x03\xe8"))
		c.wantEnd()
		if len(c.messages) > 0 {
			t.Error("received something after the end")
		}
	})
}

func TestWebSocketLost(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		_ = c.conn.Close()
		c.wantClosed(t, TransportClose)
	})
}

// Whoever breaks a rule loses the connection and the session, and nobody else
// notices.
func TestWebSocketFaults(t *testing.T) {
	tests := []struct {
		name   string
		query  string
		frames []byte
		reason Reason
		err    error
	}{
		{"too big", "EIO=4", frame(ws.OpText, "4"+strings.Repeat("a", 1000)), TransportError, errMessageTooBig},
		{"too big in sum", "EIO=4", join(fragment(ws.OpText, false, strings.Repeat("4", 900)), fragment(ws.OpContinuation, true, strings.Repeat("a", 101))), TransportError, errMessageTooBig},
		{"no mask", "EIO=4", unmasked(ws.OpText, "4a"), TransportError, ws.ErrProtocolMaskRequired},
		{"reserved bit", "EIO=4", bits(frame(ws.OpText, "4a"), 0x40, 0), TransportError, ws.ErrProtocolNonZeroRsv},
		{"unknown opcode", "EIO=4", bits(frame(ws.OpText, "4a"), 3, 0x0f), TransportError, ws.ErrProtocolOpCodeReserved},
		{"not UTF-8", "EIO=4", frame(ws.OpText, "4\xff"), ParseError, enginewire.ErrPacket},
		{"fragments that are not UTF-8", "EIO=4", join(fragment(ws.OpText, false, "4\xec"), fragment(ws.OpContinuation, true, "\x95")), ParseError, enginewire.ErrPacket},
		{"empty text", "EIO=4", frame(ws.OpText, ""), ParseError, enginewire.ErrPacket},
		{"unknown type", "EIO=4", frame(ws.OpText, "7"), ParseError, enginewire.ErrPacket},
		{"not base64", "EIO=4", frame(ws.OpText, "b!"), ParseError, enginewire.ErrPacket},
		{"ping of a client of 4", "EIO=4", frame(ws.OpText, "2"), TransportError, errHeartbeat},
		{"pong of a client of 3", "EIO=3", frame(ws.OpText, "3"), TransportError, errHeartbeat},
		{"empty binary in 3", "EIO=3", frame(ws.OpBinary, ""), ParseError, enginewire.ErrPacket},
		{"unknown binary type in 3", "EIO=3", frame(ws.OpBinary, "\x07a"), ParseError, enginewire.ErrPacket},
		{"base64 without type in 3", "EIO=3", frame(ws.OpText, "b"), ParseError, enginewire.ErrPacket},
		{"base64 of another type in 3", "EIO=3", frame(ws.OpText, "b2AAH/"), ParseError, enginewire.ErrPacket},
	}
	bothLinks(t, Options{MaxPayload: 1000}, func(t *testing.T, s *site) {
		bystander := s.websocket("EIO=4")
		for _, tt := range tests {
			c := s.websocket(tt.query)
			c.write(tt.frames)
			if err := c.wantClosed(t, tt.reason); !errors.Is(err, tt.err) {
				t.Errorf("%s: error %v, want %v", tt.name, err, tt.err)
			}
			c.wantEnd()
			if len(c.messages) > 0 {
				t.Errorf("%s: received %v", tt.name, <-c.messages)
			}
		}
		if n := s.srv.Sessions(); n != 1 {
			t.Errorf("%d sessions", n)
		}
		bystander.packet("4still here")
		bystander.wantMessage(t, "still here")
	})
}

// What comes together with the handshake is not lost.
func TestWebSocketEarlyFrames(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c, b := s.raw(), string(frame(ws.OpText, "4b"))
		c.send("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
			string(frame(ws.OpText, "4a")) + b[:5])
		p := await(t, s.opened, "session")
		p.wantMessage(t, "a")
		c.send(b[5:])
		p.wantMessage(t, "b")
	})
}

// Pause stops reading until Resume.
func TestWebSocketPause(t *testing.T) {
	for _, free := range []func(*Session){(*Session).Resume, (*Session).Close, func(s *Session) { s.finish(PingTimeout, nil) }} {
		h := newPeers()
		h.wrap = func(p *peer) Receiver { return &pauser{p} }
		bothSites(t, h, func(t *testing.T, s *site) {
			c := s.websocket("EIO=4")
			c.packet("4a")
			c.wantMessage(t, "a")
			c.packet("4b")
			free(c.session)
			switch c.session.currentState() {
			case stateOpen:
				c.wantMessage(t, "b")
				c.session.Resume()
			default:
				await(t, c.closed, "end")
			}
		})
	}
}

func (s *Session) currentState() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func bothSites(t *testing.T, h *peers, test func(t *testing.T, s *site)) {
	for _, secure := range []bool{false, true} {
		test(t, serveWith(t, h, Options{}, secure))
	}
}
