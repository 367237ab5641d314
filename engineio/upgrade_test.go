package engineio

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// probed opens a connection that has been through the probe.
func (c *polling) probed() *socket {
	c.t.Helper()
	w := c.dial(strings.Replace(c.query, "transport=polling&", "", 1))
	w.packet("2probe")
	if got := w.read(); got != "3probe" {
		c.t.Fatalf("answer to the probe: %q", got)
	}
	w.peer = c.peer
	return w
}

func TestUpgrade(t *testing.T) {
	for _, query := range []string{"EIO=4", "EIO=3"} {
		noop := map[string]string{"EIO=4": "6", "EIO=3": "1:6"}[query]
		bothLinks(t, Options{}, func(t *testing.T, s *site) {
			c := s.poll(query)
			get := c.hang()
			w := c.probed()
			c.want(await(t, get, "released GET"), 200, noop)
			if c.session.Transport() != Polling {
				t.Error("upgraded by the probe alone")
			}
			c.session.Send(text("during"))
			w.packet("5")
			if got := w.read(); got != "4during" {
				t.Errorf("%q", got)
			}
			if c.session.Transport() != WebSocket {
				t.Error("not upgraded")
			}
			w.packet("4up")
			c.wantMessage(t, "up")
			if r := c.get(); r.status != 400 {
				t.Errorf("GET after the upgrade: %d", r.status)
			}
			if r := c.post("4a"); r.status != 400 {
				t.Errorf("POST after the upgrade: %d", r.status)
			}
			w.packet("4still up")
			c.wantMessage(t, "still up")
		})
	}
}

// A GET that still waits when the upgrade comes is answered, too: not all clients
// wait for the noop.
func TestUpgradeWithWaitingGet(t *testing.T) {
	c := serve(t, Options{}).poll("EIO=4")
	w := c.probed()
	c.want(await(t, c.hang0(), "GET during the probe"), 200, "6")
	w.packet("5")
	w.packet("4a")
	c.wantMessage(t, "a")
	if _, err := c.try(t.Context(), "GET", c.query, "", nil); err != nil {
		t.Error(err)
	}
}

// hang0 sends a GET that may be answered at once.
func (c *polling) hang0() <-chan reply {
	ch := make(chan reply, 1)
	go func() { ch <- c.get() }()
	return ch
}

func (s *Session) probing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.probe != nil
}

// Whatever goes wrong with a probe, the session goes on polling.
func TestUpgradeFaults(t *testing.T) {
	for name, frames := range map[string][]byte{
		"message":       frame(ws.OpText, "4a"),
		"other ping":    frame(ws.OpText, "2"),
		"pong":          frame(ws.OpText, "3probe"),
		"binary":        frame(ws.OpBinary, "\x02probe"),
		"not UTF-8":     frame(ws.OpText, "2\xff"),
		"no mask":       unmasked(ws.OpText, "2probe"),
		"too big":       frame(ws.OpText, strings.Repeat("2", 1001)),
		"close":         frame(ws.OpClose, ""),
		"probe, then a": join(frame(ws.OpText, "2probe"), frame(ws.OpText, "4a")),
	} {
		t.Run(name, func(t *testing.T) {
			bothLinks(t, Options{MaxPayload: 1000}, func(t *testing.T, s *site) {
				c := s.poll("EIO=4")
				w := c.dial(strings.Replace(c.query, "transport=polling&", "", 1))
				w.write(frame(ws.OpPing, "p"))
				if f := w.next(); f.Header.OpCode != ws.OpPong || string(f.Payload) != "p" {
					t.Errorf("%x %q", f.Header.OpCode, f.Payload)
				}
				w.write(frames)
				w.wantEnd()
				eventually(t, "end of the probe", func() bool { return !c.session.probing() })
				c.want(c.post("4b"), 200, "ok")
				c.wantMessage(t, "b")
				c.session.Send(text("c"))
				c.want(c.get(), 200, "4c")
				w = c.probed() // and may try again
				w.packet("5")
				w.packet("4d")
				c.wantMessage(t, "d")
			})
		})
	}
}

func TestUpgradeRefused(t *testing.T) {
	t.Run("second probe", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		w := c.probed()
		c.dial("EIO=4&sid=" + c.session.ID()).wantEnd()
		w.packet("5")
		w.packet("4a")
		c.wantMessage(t, "a")
	})
	t.Run("upgraded", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		w := c.probed()
		w.packet("5")
		w.packet("4a")
		c.wantMessage(t, "a")
		c.dial("EIO=4&sid=" + c.session.ID()).wantEnd()
		w.packet("4b")
		c.wantMessage(t, "b")
	})
	t.Run("opened over WebSocket", func(t *testing.T) {
		s := serve(t, Options{})
		w := s.websocket("EIO=4")
		s.dial("EIO=4&sid=" + w.session.ID()).wantEnd()
		w.packet("4b")
		w.wantMessage(t, "b")
	})
	t.Run("NoUpgrades", func(t *testing.T) {
		c := serve(t, Options{NoUpgrades: true}).poll("EIO=4")
		c.dial("EIO=4&sid=" + c.session.ID()).wantEnd()
		c.want(c.post("4a"), 200, "ok")
	})
	t.Run("closing", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		c.session.Close()
		c.dial("EIO=4&sid=" + c.session.ID()).wantEnd()
	})
}

// A client that posts and upgrades at once can't have two of its messages received
// at the same time: the upgrade is refused.
func TestUpgradeDuringPost(t *testing.T) {
	h := newPeers()
	h.wrap = func(p *peer) Receiver { return &pauser{p} }
	c := serveWith(t, h, Options{}, false).poll("EIO=4")
	w := c.probed()
	post := make(chan reply, 1)
	go func() { post <- c.post("4a") }()
	c.wantMessage(t, "a")
	w.packet("5") // the POST is held by the pause
	w.wantEnd()
	c.session.Resume()
	c.want(await(t, post, "POST"), 200, "ok")
	if got := c.session.Transport(); got != Polling {
		t.Errorf("transport %s", got)
	}
}

// Close while an upgrade is under way.
func TestUpgradeWhileClosing(t *testing.T) {
	t.Run("completed", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		w := c.probed()
		c.session.Send(text("last"))
		c.session.Close()
		w.packet("5")
		if got := w.read(); got != "4last" {
			t.Errorf("%q", got)
		}
		if f := w.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x", f.Header.OpCode)
		}
		c.wantClosed(t, ForcedClose)
		w.write(frame(ws.OpClose, ""))
		w.wantEnd()
	})
	t.Run("ended by polling", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		w := c.probed()
		c.session.Close()
		c.want(c.get(), 200, "1")
		c.wantClosed(t, ForcedClose)
		w.wantEnd()
	})
	t.Run("ended by the client", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		w := c.probed()
		c.want(c.post("1"), 200, "ok")
		c.wantClosed(t, TransportClose)
		w.wantEnd()
	})
}

// In both directions, messages that are under way during an upgrade arrive once,
// in order.
func TestUpgradeLosesNothing(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { upgradeUnderLoad(t, s, i) })
		}
		wg.Wait()
	})
}

const loadMessages = 500

func upgradeUnderLoad(t *testing.T, s *site, i int) {
	r, err := s.try(t.Context(), "GET", "EIO=4&transport=polling", "", nil)
	if err != nil {
		t.Error(err)
		return
	}
	sid := sidOf(t, r.body)
	s.srv.mu.RLock()
	session := s.srv.sessions[sid]
	s.srv.mu.RUnlock()
	p := session.receiver.(*peer)
	query := "EIO=4&transport=polling&sid=" + sid

	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for n := range loadMessages {
			session.Send(text(strconv.Itoa(n)))
		}
	})
	// The client: it polls and posts, then upgrades as engine.io-client does.
	got, sent := []string{}, 0
	take := func(body string) {
		for _, part := range strings.Split(body, "\x1e") {
			if part[0] == byte(enginewire.Message) {
				got = append(got, part[1:])
			}
		}
	}
	for range 2 + i {
		if r, err = s.try(t.Context(), "GET", query, "", nil); err == nil {
			take(r.body)
			_, err = s.try(t.Context(), "POST", query, "", strings.NewReader(fmt.Sprintf("4%d\x1e4%d", sent, sent+1)))
			sent += 2
		}
		if err != nil {
			t.Error(err)
			return
		}
		if len(got) == loadMessages {
			break // all is here before the upgrade
		}
	}
	hanging := make(chan reply, 1)
	go func() {
		r, _ := s.try(t.Context(), "GET", query, "", nil)
		hanging <- r
	}()
	w := s.dial("EIO=4&sid=" + sid)
	w.packet("2probe")
	if got := w.read(); got != "3probe" {
		t.Errorf("%q", got)
	}
	take(await(t, hanging, "GET").body)
	w.packet("5")
	for ; sent < loadMessages; sent++ {
		w.packet("4" + strconv.Itoa(sent))
	}
	for len(got) < loadMessages {
		take(w.read())
	}
	for n := range loadMessages {
		if m := await(t, p.messages, "message"); m.data != strconv.Itoa(n) || got[n] != strconv.Itoa(n) {
			t.Errorf("at %d: received %s, sent %s", n, m.data, got[n])
			return
		}
	}
}

// A client may take binary over one transport and not over the other.
func TestUpgradeBase64(t *testing.T) {
	for _, tt := range []struct{ polling, websocket, want string }{
		{"EIO=4&b64=1", "EIO=4", "\x01"},
		{"EIO=4", "EIO=4&b64=1", "bAQ=="},
		{"EIO=3&b64=1", "EIO=3", "\x04\x01"},
		{"EIO=3", "EIO=3&b64=1", "b4AQ=="},
	} {
		c := serve(t, Options{}).poll(tt.polling)
		w := c.dial(tt.websocket + "&sid=" + c.session.ID())
		w.packet("2probe")
		w.want("3probe")
		w.packet("5")
		c.session.Send(message("a", []byte{1}))
		w.want("4a")
		if got := string(w.next().Payload); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
