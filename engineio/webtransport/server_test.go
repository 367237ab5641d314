package webtransport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/damso/damso/engineio"
)

func TestMessages(t *testing.T) {
	s := serve(t, engineio.Options{})
	c := s.open()
	if c.peer.session.Transport() != engineio.WebTransport {
		t.Error(c.peer.session.Transport())
	}
	q := c.peer.session.Request()
	if q.URL != "/engine.io/?EIO=4&transport=webtransport" || !q.Secure || !strings.HasPrefix(q.RemoteAddr, "127.0.0.1:") {
		t.Errorf("%+v", q)
	}
	long := strings.Repeat("담소", 200_000) // more than all windows
	c.send("\x044안")
	if got := await(t, c.messages, "message"); got != "안" {
		t.Errorf("%q", got)
	}
	c.peer.session.Send(text(long))
	c.want("4" + long)
	c.send("\xff\x00\x00\x00\x00\x00\x0d\xbb\xa0" + long[:900_000])
	if got := await(t, c.messages, "long message"); got != long[:900_000] {
		t.Errorf("%d bytes", len(got))
	}
	_ = c.session.CloseWithError(0, "")
	c.wantClosed(t, engineio.TransportClose)
}

// What clients do wrong ends their WebTransport session.
func TestFaults(t *testing.T) {
	for name, stream := range map[string]string{
		"bad first packet":  "\x024a",
		"binary first":      "\x810",
		"unknown sid":       "\x0c" + `0{"sid":"a"}`,
		"large first":       "\x7e\xff\xff",
		"too large a frame": "\x010\x7f\x00\x00\x00\x00\x00\x0f\x42\x41",
		"no packet":         "\x010\x019",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, engineio.Options{})
			c := s.stream()
			c.send(stream)
			wantEnd(t, c.session)
			if n := s.engine.Sessions(); n != 0 {
				t.Errorf("%d sessions", n)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		s := serve(t, engineio.Options{AllowRequest: func(r *http.Request) error { return errors.New(r.Method) }})
		c := s.stream()
		c.send("\x010")
		wantEnd(t, c.session)
	})
}

// Clients that say nothing are let go of at each step.
func TestSilent(t *testing.T) {
	soon := engineio.Options{UpgradeTimeout: 50 * time.Millisecond}
	t.Run("no session", func(t *testing.T) {
		s := serveWith(t, Server{idle: 50 * time.Millisecond}, engineio.Options{})
		conn, err := quic.DialAddr(t.Context(), strings.Split(s.url, "/")[2], s.tls, nil)
		if failure := new(quic.ApplicationError); errors.As(err, &failure) {
			return // it was that slow
		} else if err != nil {
			t.Fatal(err)
		}
		await(t, conn.Context().Done(), "end of the connection")
	})
	t.Run("no stream", func(t *testing.T) { wantEnd(t, serve(t, soon).connect()) })
	t.Run("no packet", func(t *testing.T) {
		session := serve(t, soon).connect()
		if stream, err := session.OpenStream(); err == nil { // else the end came before
			_, _ = stream.Write([]byte("\x20"))
		}
		wantEnd(t, session)
	})
	t.Run("no pong", func(t *testing.T) {
		s := serve(t, engineio.Options{PingInterval: 10 * time.Millisecond, PingTimeout: 10 * time.Millisecond})
		c := s.stream()
		c.send("\x010")
		await(t, s.opened, "session").wantClosed(t, engineio.PingTimeout)
		wantEnd(t, c.session)
	})
}

// A connection outlives its session by a time, in which it may open another one.
func TestUsage(t *testing.T) {
	u := &usage{idle: time.Hour, timer: time.NewTimer(time.Hour)}
	for _, step := range []struct {
		n       int
		stopped bool
	}{{1, true}, {1, true}, {-1, true}, {-1, false}, {1, true}, {-1, false}} {
		u.add(step.n)
		if u.timer.Stop() == step.stopped {
			t.Errorf("%d sessions: timer stopped %v", u.sessions, !step.stopped)
		}
		if !step.stopped {
			u.timer.Reset(u.idle)
		}
	}
}

// A client that does not read is closed when its outbox is full; others go on.
func TestSlow(t *testing.T) {
	s := serve(t, engineio.Options{MaxBuffer: 1 << 20})
	slow, other := s.open(), s.open()
	m := text(strings.Repeat("a", 100_000))
	for s.engine.SlowStats().Closed == 0 {
		slow.peer.session.Send(m)
		other.peer.session.Send(text("b"))
		other.want("4b")
	}
	if err := slow.wantClosed(t, engineio.TransportError); !errors.Is(err, engineio.ErrSlowClient) {
		t.Error(err)
	}
	wantEnd(t, slow.session)
}

func TestUpgrade(t *testing.T) {
	s := serve(t, engineio.Options{})
	w := newPolling(s.engine)
	open := w.get(t, "")
	if !strings.Contains(open, `"upgrades":["webtransport"]`) {
		t.Error(open)
	}
	p := await(t, s.opened, "session")
	c := s.stream()
	c.send("\x1f" + `0{"sid":"` + p.session.ID() + `"}` + "\x062probe")
	c.want("3probe")
	if got := w.get(t, p.session.ID()); got != "6" {
		t.Errorf("poll: %q", got)
	}
	c.send("\x015\x024a")
	if got := await(t, p.messages, "message"); got != "a" || p.session.Transport() != engineio.WebTransport {
		t.Error(got, p.session.Transport())
	}
	p.session.Send(text("b"))
	c.want("4b")
}

// Shutdown ends sessions once their clients have everything, and Serve ends without an
// error.
func TestShutdown(t *testing.T) {
	s := serve(t, engineio.Options{})
	c := s.open()
	c.peer.session.Send(text("last"))
	down := make(chan error, 1)
	go func() { down <- s.engine.Shutdown(context.Background()) }()
	c.want("4last")
	c.want("2")
	c.send("\x013")
	if err := await(t, down, "Shutdown"); err != nil {
		t.Error(err)
	}
	c.wantClosed(t, engineio.ForcedClose)
	wantEnd(t, c.session)

	late := s.stream() // the listener is still there
	late.send("\x010")
	wantEnd(t, late.session)
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// Sessions that are there when Serve ends are lost.
func TestServeEnds(t *testing.T) {
	s := serve(t, engineio.Options{})
	c := s.open()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	c.wantClosed(t, engineio.TransportClose)
	wantEnd(t, c.session)
}

func TestServeErrors(t *testing.T) {
	off := engineio.NewServer(&site{}, engineio.Options{})
	on := engineio.NewServer(&site{}, engineio.Options{Transports: []string{engineio.WebTransport}})
	t.Cleanup(func() {
		_ = off.Close()
		_ = on.Close()
	})
	for _, tt := range []struct {
		server Server
		want   string
	}{
		{Server{Engine: on}, "needs Engine and TLS"},
		{Server{TLS: &tls.Config{}}, "needs Engine and TLS"},
		{Server{Engine: off, TLS: &tls.Config{}}, `must have "webtransport"`},
		{Server{Engine: on, TLS: &tls.Config{}, Addr: "nowhere"}, "webtransport: listen"},
	} {
		if tt.server.Addr == "" {
			tt.server.Addr = "127.0.0.1:0"
		}
		if err := tt.server.ListenAndServe(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	config, _ := certificate(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = udp.Close()
	if err := (&Server{Engine: on, TLS: config}).Serve(t.Context(), udp); err == nil {
		t.Error("no error for a closed socket")
	}
}

// Requests that are not for WebTransport get an answer that says so.
func TestOtherRequests(t *testing.T) {
	s := serve(t, engineio.Options{})
	transport := &http3.Transport{TLSClientConfig: s.tls}
	defer transport.Close()
	res, err := (&http.Client{Transport: transport}).Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Error(res.Status)
	}
}

// A connection has one session, with one stream that counts.
func TestOneOfEach(t *testing.T) {
	s := serve(t, engineio.Options{})
	c := s.open()
	other, err := c.session.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Write([]byte("\x010")); err != nil {
		t.Fatal(err)
	}
	c.send("\x024a")
	if got := await(t, c.messages, "message"); got != "a" || s.engine.Sessions() != 1 {
		t.Errorf("%q, %d sessions", got, s.engine.Sessions())
	}
}
