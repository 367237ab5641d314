package engineio

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestShutdown(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c, p, idle := s.websocket("EIO=4"), s.poll("EIO=4"), s.poll("EIO=3")
		c.session.Send(text("last"))
		get, idleGet := p.hang(), idle.hang()
		done := make(chan error, 1)
		go func() { done <- s.srv.Shutdown(t.Context()) }()
		c.want("4last")
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x", f.Header.OpCode)
		}
		p.want(await(t, get, "GET"), 200, "1")
		idle.want(await(t, idleGet, "GET"), 200, "1:1")
		if r := s.request("GET", "EIO=4&transport=polling", "", nil); r.status != 503 {
			t.Errorf("handshake: %d", r.status)
		}
		select {
		case <-done:
			t.Error("it did not wait for the client's close frame")
		default:
		}
		c.write(frame(ws.OpClose, ""))
		c.wantEnd()
		if err := await(t, done, "Shutdown"); err != nil {
			t.Error(err)
		}
		for _, peer := range []*peer{c.peer, p.peer, idle.peer} {
			peer.wantClosed(t, ForcedClose)
		}
		if err := s.srv.Shutdown(t.Context()); err != nil { // again
			t.Error(err)
		}
	})
}

// Handshakes beside Shutdown either get a session, which ends with it, or are
// refused.
func TestShutdownBesideHandshakes(t *testing.T) {
	for range 20 {
		s := serve(t, Options{})
		var wg sync.WaitGroup
		var opened, refused atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				for {
					if i%2 == 0 {
						r, err := s.try(t.Context(), "GET", "EIO=4&transport=polling", "", nil)
						if err != nil {
							t.Error(err)
						}
						if r.status == 503 {
							refused.Add(1)
							return
						}
						opened.Add(1)
						continue
					}
					c, err := s.tryDial("EIO=4")
					if err != nil {
						refused.Add(1)
						return
					}
					opened.Add(1)
					_ = c.conn.Close()
				}
			})
		}
		eventually(t, "handshakes", func() bool { return opened.Load() > 10 })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_ = s.srv.Shutdown(ctx) // may take the time or not
		cancel()
		if n := s.srv.Sessions(); n != 0 {
			t.Fatalf("%d sessions", n)
		}
		wg.Wait()
		for len(s.opened) > 0 {
			await(t, (<-s.opened).closed, "end")
		}
	}
}

// What happens to a session while its handler is told of it, its receiver is told
// afterwards.
func TestOpenEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		do     func(s *Session)
		reason Reason
		err    error
	}{
		"too much sent": {func(s *Session) {
			for range 20 {
				s.Send(text(strings.Repeat("a", 1000)))
			}
			eventually(t, "end", func() bool { return s.currentState() == stateClosed })
		}, TransportError, ErrSlowClient},
		"server closed": {func(s *Session) { s.srv.drop() }, ForcedClose, errServerShutdown},
	} {
		t.Run(name, func(t *testing.T) {
			for _, websocket := range []bool{true, false} {
				h := newPeers()
				h.onOpen = tt.do
				s := serveWith(t, h, Options{MaxBuffer: 10_000}, false)
				if websocket {
					s.dial("EIO=4").wantEnd()
				} else {
					_ = s.request("GET", "EIO=4&transport=polling", "", nil)
				}
				p := await(t, s.opened, "session")
				if err := p.wantClosed(t, tt.reason); err != tt.err {
					t.Error(err)
				}
				if n := s.srv.Sessions(); n != 0 {
					t.Errorf("%d sessions", n)
				}
			}
		})
	}
}

// Whatever happens to a session at the same time, it ends once and leaves nothing.
func TestEndsOnce(t *testing.T) {
	bothLinks(t, Options{MaxBuffer: 100_000}, func(t *testing.T, s *site) {
		var all sync.WaitGroup
		for i := range 60 {
			var p *peer
			var client func()
			switch c := s.poll("EIO=4"); i % 3 {
			case 0:
				p, client = c.peer, func() {
					if i%2 == 0 {
						_, _ = s.try(t.Context(), "POST", c.query, "", strings.NewReader("1"))
					} else {
						_, _ = s.try(t.Context(), "GET", c.query, "", nil)
						_, _ = s.try(t.Context(), "GET", c.query, "", nil)
					}
				}
			case 1:
				w := c.probed()
				p, client = c.peer, func() {
					_, _ = w.conn.Write(frame(ws.OpText, "5"))
					_, _ = w.conn.Write(frame(ws.OpClose, ""))
				}
			case 2:
				c.session.finish(ForcedClose, nil)
				w := s.websocket("EIO=4")
				p, client = w.peer, func() {
					_, _ = w.conn.Write(frame(ws.OpClose, ""))
					_ = w.conn.Close()
				}
			}
			for _, do := range []func(){
				client,
				p.session.Close,
				func() { p.session.Pause(); p.session.Resume() },
				func() { p.session.CloseAfter(1); p.session.CloseAfter(time.Hour) },
				func() {
					for range 30 {
						p.session.Send(text(strings.Repeat("a", 5000)))
					}
				},
				func() { p.session.finish(PingTimeout, nil) },
			} {
				all.Go(do)
			}
			all.Go(func() { await(t, p.closed, "end") })
			defer func() {
				if len(p.closed) > 0 {
					t.Error("ended twice")
				}
			}()
		}
		all.Wait()
		if n := s.srv.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A receiver may use its session in all its methods.
func TestReceiverUsesSession(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		s.wrap = func(p *peer) Receiver { return &meddler{p} }
		c := s.websocket("EIO=4")
		c.packet("4a")
		c.want("4echo a")
		c.packet("4close")
		c.want("4echo close")
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x", f.Header.OpCode)
		}
		c.wantClosed(t, ForcedClose)
	})
}

type meddler struct{ *peer }

func (m *meddler) Receive(data []byte, binary bool) {
	m.session.Pause()
	m.session.Send(text("echo " + string(data)))
	m.session.CloseAfter(0)
	m.session.Resume()
	if string(data) == "close" {
		m.session.Close()
	}
}

func (m *meddler) Closed(reason Reason, err error) {
	m.session.Send(text("nobody gets this"))
	m.session.Close()
	m.session.Pause()
	m.session.Resume()
	m.session.CloseAfter(time.Nanosecond)
	_ = m.session.Transport()
	_ = m.session.srv.Sessions()
	m.peer.Closed(reason, err)
}
