package engineio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPollingOpen(t *testing.T) {
	s := serve(t, Options{})
	for _, tt := range []struct{ query, before string }{
		{"EIO=4&transport=polling", ""}, {"EIO=3&transport=polling", "96:"}, {"transport=polling", "96:"}, {"EIO=3&b64=1&transport=polling", "96:"},
	} {
		r := s.request("GET", tt.query, "", nil)
		p := await(t, s.opened, "session")
		want := tt.before + `0{"sid":"` + p.session.ID() + `","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
		if tt.before != "" {
			want = fmt.Sprintf("%d:%s", len(want)-len(tt.before), want[len(tt.before):])
		}
		if r.status != 200 || r.body != want {
			t.Errorf("%s: %d %s, want %s", tt.query, r.status, r.body, want)
		}
		header := map[string]string{"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store", "Content-Length": fmt.Sprint(len(want))}
		for name, value := range header {
			if got := r.header.Get(name); got != value {
				t.Errorf("%s: %s: %q, want %q", tt.query, name, got, value)
			}
		}
		if n := len(p.session.ID()); n != 20 || p.session.Transport() != Polling {
			t.Errorf("id of %d characters, transport %s", n, p.session.Transport())
		}
	}
}

func TestPollingOpenOptions(t *testing.T) {
	for _, tt := range []struct {
		opts Options
		want string
	}{
		{Options{NoUpgrades: true}, `"upgrades":[]`},
		{Options{Transports: []string{Polling}}, `"upgrades":[]`},
		{Options{PingInterval: 1e9, PingTimeout: 2e9, MaxPayload: 7}, `"pingInterval":1000,"pingTimeout":2000,"maxPayload":7}`},
	} {
		s := serve(t, tt.opts)
		if r := s.request("GET", "EIO=4&transport=polling", "", nil); !strings.Contains(r.body, tt.want) {
			t.Errorf("%+v: %s, want %s in it", tt.opts, r.body, tt.want)
		}
	}
}

// A GET that finds nothing waits until there is something; what has gathered
// meanwhile comes in one answer.
func TestPollingGet(t *testing.T) {
	c := serve(t, Options{}).poll("EIO=4")
	get := c.hang()
	c.session.Send(text("a"))
	c.want(await(t, get, "answer"), 200, "4a")

	c.session.Send(text("b"))
	c.session.Send(NewMessage(append(make([]byte, Headroom), "안녕"...), [][]byte{{0, 1, 255}, {}}))
	c.session.Send(text(""))
	c.want(c.get(), 200, "4b\x1e4안녕\x1ebAAH/\x1eb\x1e4")
}

func TestPollingGet3(t *testing.T) {
	for _, tt := range []struct{ query, contentType, want string }{
		{"EIO=3", "application/octet-stream", "\x00\x02\xff4b" + "\x00\x08\xff4\"안녕" + "\x01\x04\xff\x04\x00\x01\xff" + "\x01\x01\xff\x04"},
		{"EIO=3&b64=1", "text/plain; charset=UTF-8", `2:4b14:4"\uc548\ub1556:b4AAH/2:b4`},
	} {
		c := serve(t, Options{}).poll(tt.query)
		c.session.Send(text("b"))
		c.session.Send(NewMessage(append(make([]byte, Headroom), `"안녕`...), [][]byte{{0, 1, 255}, {}}))
		r := c.get()
		c.want(r, 200, tt.want)
		if got := r.header.Get("Content-Type"); got != tt.contentType {
			t.Errorf("%s: %s", tt.query, got)
		}
		c.session.Send(text("ascii"))
		c.want(c.get(), 200, "6:4ascii") // what all agree about is text
	}
}

func TestPollingPost(t *testing.T) {
	type post struct {
		contentType, body string
		want              []received
	}
	twice := func(s string) string { // as clients of 1.x encode text
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteRune(rune(c))
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, query string
		posts       []post
	}{
		{"4", "EIO=4", []post{
			{"text/plain;charset=UTF-8", "4안녕\x1e4\x1ebAAH/\x1eb\x1e6", []received{{"안녕", false}, {"", false}, {"\x00\x01\xff", true}, {"", true}}},
			{"", "4no content type", []received{{"no content type", false}}},
		}},
		{"2.x", "EIO=3", []post{
			{"text/plain;charset=UTF-8", "3:4안녕3:4👋6:b4AAH/", []received{{"안녕", false}, {"👋", false}, {"\x00\x01\xff", true}}},
			{"application/octet-stream", "\x00\x07\xff4안녕\x01\x04\xff\x04\x00\x01\xff", []received{{"안녕", false}, {"\x00\x01\xff", true}}},
			{"text/plain;charset=UTF-8", "3:4" + twice("é"), []received{{twice("é"), false}}}, // has shown that it means this
		}},
		{"1.x", "EIO=3&b64=1", []post{
			{"text/plain;charset=UTF-8", "2:4a", []received{{"a", false}}}, // shows nothing
			{"text/plain;charset=UTF-8", "7:4" + twice("안녕") + "5:4" + twice("👋"), []received{{"안녕", false}, {"👋", false}}},
			{"application/octet-stream", "\x00\x07\xff4안녕", []received{{"안녕", false}}}, // never twice
			{"text/plain;charset=UTF-8", "3:4" + twice("é"), []received{{"é", false}}},
		}},
	} {
		c := serve(t, Options{}).poll(tt.query)
		for _, p := range tt.posts {
			r := c.request("POST", c.query, p.contentType, strings.NewReader(p.body))
			c.want(r, 200, "ok")
			if got := r.header.Get("Content-Type"); got != "text/html" {
				t.Errorf("%s: content type %q", tt.name, got)
			}
			var got []received
			for range p.want {
				got = append(got, await(t, c.messages, tt.name))
			}
			if diff := cmp.Diff(p.want, got, cmp.AllowUnexported(received{})); diff != "" {
				t.Errorf("%s: %q: -want +got\n%s", tt.name, p.body, diff)
			}
		}
	}
}

// A second GET or POST while one is under way ends the session.
func TestPollingOverlap(t *testing.T) {
	t.Run("GET", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		first := c.hang()
		if r := c.get(); r.status != 400 {
			t.Errorf("second GET: %d", r.status)
		}
		c.want(await(t, first, "first GET"), 200, "1")
		if err := c.wantClosed(t, TransportError); err != errOverlapGet {
			t.Error(err)
		}
	})
	t.Run("POST", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		body, w := io.Pipe()
		defer w.Close()
		first := make(chan error, 1)
		go func() {
			r, err := c.try(t.Context(), "POST", c.query, "", body)
			if err == nil && r.status == 200 {
				err = errors.New("it was taken")
			} else {
				err = nil
			}
			first <- err
		}()
		_, _ = w.Write([]byte("4a"))
		eventually(t, "POST under way", func() bool {
			c.session.mu.Lock()
			defer c.session.mu.Unlock()
			return c.session.posting
		})
		if r := c.post("4b"); r.status != 400 {
			t.Errorf("second POST: %d", r.status)
		}
		if err := c.wantClosed(t, TransportError); err != errOverlapPost {
			t.Error(err)
		}
		// The session takes the first one along, though its client sends nothing.
		if err := await(t, first, "first POST"); err != nil {
			t.Error(err)
		}
		if len(c.messages) > 0 {
			t.Error("received something")
		}
	})
}

// A client that goes away while its GET waits is gone.
func TestPollingAbort(t *testing.T) {
	s := serve(t, Options{})
	c := s.poll("EIO=4")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.try(ctx, "GET", c.query, "", nil)
	}()
	eventually(t, "waiting GET", c.session.polled)
	cancel()
	<-done
	if err := c.wantClosed(t, TransportError); err != errPollAborted {
		t.Error(err)
	}
	c.want(c.get(), 400, `{"code":1,"message":"Session ID unknown"}`)
}

// A client that goes away in the middle of a POST is gone, too.
func TestPollingPostAborted(t *testing.T) {
	s := serve(t, Options{})
	c := s.poll("EIO=4")
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /engine.io/?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4a", c.query)
	eventually(t, "POST", func() bool {
		c.session.mu.Lock()
		defer c.session.mu.Unlock()
		return c.session.posting
	})
	_ = conn.Close()
	if err := c.wantClosed(t, TransportError); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if len(c.messages) > 0 {
		t.Error("half a POST was received")
	}
}

// A client that sends its POST too slowly holds nothing longer than its session.
func TestPollingSlowPost(t *testing.T) {
	s := serve(t, Options{})
	c := s.poll("EIO=4")
	conn, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /engine.io/?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n4a", c.query)
	eventually(t, "POST", func() bool {
		c.session.mu.Lock()
		defer c.session.mu.Unlock()
		return c.session.posting
	})
	c.session.finish(PingTimeout, nil)
	c.wantClosed(t, PingTimeout)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 400 {
		t.Errorf("%v, %v", res, err)
	}
}

func TestPollingCloseByClient(t *testing.T) {
	c := serve(t, Options{}).poll("EIO=4")
	get := c.hang()
	c.want(c.post("4a\x1e1\x1e4b"), 200, "ok")
	c.wantMessage(t, "a")
	c.wantClosed(t, TransportClose)
	c.want(await(t, get, "GET"), 200, "1")
	c.want(c.post("4c"), 400, `{"code":1,"message":"Session ID unknown"}`)
	if len(c.messages) > 0 {
		t.Error("received something after the end")
	}
}

func TestPollingCloseByServer(t *testing.T) {
	t.Run("while a GET waits", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		get := c.hang()
		c.session.Close()
		c.want(await(t, get, "GET"), 200, "1")
		c.wantClosed(t, ForcedClose)
	})
	t.Run("with the GET after what waits", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=3")
		c.session.Send(text("last"))
		c.session.Close()
		c.session.Close()
		c.session.Send(text("too late"))
		c.want(c.post("2:4a"), 200, "ok") // ignored
		c.want(c.get(), 200, "5:4last")
		c.want(c.get(), 200, "1:1")
		c.wantClosed(t, ForcedClose)
		if len(c.messages) > 0 {
			t.Error("received something of a session that is closing")
		}
	})
	t.Run("in Open", func(t *testing.T) {
		h := newPeers()
		h.onOpen = func(s *Session) { s.Send(text("no")); s.Close() }
		s := serveWith(t, h, Options{}, false)
		r := s.request("GET", "EIO=4&transport=polling", "", nil)
		if !strings.HasSuffix(r.body, "}\x1e4no") {
			t.Errorf("%q", r.body)
		}
		p := await(t, s.opened, "session")
		r = s.request("GET", "EIO=4&transport=polling&sid="+p.session.ID(), "", nil)
		if r.body != "1" {
			t.Errorf("%q, want a close packet", r.body)
		}
		p.wantClosed(t, ForcedClose)
	})
}

// Pause holds the answer of a POST back, and Resume or the end frees it.
func TestPollingPause(t *testing.T) {
	for _, tt := range []struct {
		name   string
		free   func(*Session)
		status int
	}{
		{"resumed", (*Session).Resume, 200},
		{"closed", (*Session).Close, 200},
		{"ended", func(s *Session) { s.finish(PingTimeout, nil) }, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newPeers()
			h.wrap = func(p *peer) Receiver { return &pauser{p} }
			s := serveWith(t, h, Options{}, false)
			c := s.poll("EIO=4")
			done := make(chan reply, 1)
			go func() { done <- c.post("4a") }()
			c.wantMessage(t, "a")
			eventually(t, "pause", func() bool {
				c.session.mu.Lock()
				defer c.session.mu.Unlock()
				return c.session.resumed != nil
			})
			select {
			case r := <-done:
				t.Fatalf("answered while paused: %v", r)
			default:
			}
			tt.free(c.session)
			if r := await(t, done, "answer"); r.status != tt.status {
				t.Errorf("status %d", r.status)
			}
		})
	}
}

// A pauser pauses its session with each message.
type pauser struct{ *peer }

func (p *pauser) Receive(data []byte, binary bool) {
	p.session.Pause()
	p.peer.Receive(data, binary)
}
