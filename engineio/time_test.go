package engineio

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// inTime runs a test in a time of its own, with a server in memory.
func inTime(t *testing.T, opts Options, test func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, serveInMemory(t, opts)) })
}

// A stopwatch tells how much time has passed.
type stopwatch struct {
	t     *testing.T
	start time.Time
}

func startWatch(t *testing.T) *stopwatch { return &stopwatch{t, time.Now()} }

// want checks that so many seconds have passed since the start.
func (w *stopwatch) want(seconds float64, what string) {
	w.t.Helper()
	if got := time.Since(w.start).Seconds(); got != seconds {
		w.t.Errorf("%s after %v s, want %v", what, got, seconds)
	}
}

func (c *socket) want(data string) {
	c.t.Helper()
	if got := c.read(); got != data {
		c.t.Fatalf("got %q, want %q", got, data)
	}
}

func TestTimePing4(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		c.want("2")
		watch.want(25, "ping")
		time.Sleep(10 * time.Second)
		c.packet("3")
		c.want("2")
		watch.want(60, "second ping")
		c.wantClosed(t, PingTimeout)
		watch.want(80, "end")
		c.wantEnd()
	})
}

// The next ping does not wait for the time in which the pong may come.
func TestTimePingShortInterval(t *testing.T) {
	inTime(t, Options{PingInterval: 2 * time.Second, PingTimeout: time.Minute}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		for _, at := range []float64{2, 5, 8} {
			c.want("2")
			watch.want(at, "ping")
			time.Sleep(time.Second)
			c.packet("3")
		}
		c.want("2")
		watch.want(11, "ping")
		c.wantClosed(t, PingTimeout)
		watch.want(71, "end")
		c.wantEnd()
	})
}

// A packet in place of the pong gives the client more time, once.
func TestTimePing4Extended(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		c.packet("4before")
		c.want("2")
		for range 3 {
			time.Sleep(9 * time.Second)
			c.packet("4busy")
		}
		c.wantClosed(t, PingTimeout)
		watch.want(25+9+20, "end")
	})
}

func TestTimePing3(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=3")
		time.Sleep(44 * time.Second)
		c.packet("2")
		c.want("3")
		time.Sleep(10 * time.Second)
		c.packet("4does not count")
		c.wantClosed(t, PingTimeout)
		watch.want(44+45, "end")
	})
}

func TestTimePingOverPolling(t *testing.T) {
	inTime(t, Options{PingInterval: 3 * time.Second, PingTimeout: 2 * time.Second}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.poll("EIO=4")
		for range 3 {
			c.want(c.get(), 200, "2")
			c.want(c.post("3"), 200, "ok")
		}
		watch.want(9, "third ping")
		c.want(c.get(), 200, "2")
		c.want(c.get(), 200, "1") // which waits until then
		c.wantClosed(t, PingTimeout)
		watch.want(14, "end")
	})
}

// A client that opens a session and never comes back, or never reads, is gone after
// one heartbeat.
func TestTimeNeverPolls(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c, old := s.poll("EIO=4"), s.poll("EIO=3")
		c.wantClosed(t, PingTimeout)
		old.wantClosed(t, PingTimeout)
		watch.want(45, "end")
	})
}

// While a client is not read from it can't be heard; afterwards it has the time of
// an answer.
func TestTimePaused(t *testing.T) {
	for _, query := range []string{"EIO=4", "EIO=3"} {
		inTime(t, Options{}, func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.websocket(query)
			c.session.Pause()
			go func() { _, _ = io.Copy(io.Discard, c.r) }() // pings
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if len(c.closed) > 0 {
				t.Fatal("lost while paused")
			}
			c.session.Resume()
			c.wantClosed(t, PingTimeout)
			if got := time.Since(watch.start); got < 10*time.Minute+20*time.Second || got > 10*time.Minute+40*time.Second {
				t.Errorf("%s: end after %v", query, got)
			}
		})
	}
}

func TestTimePausedShortly(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=3")
		c.session.Pause()
		c.session.Resume()
		c.wantClosed(t, PingTimeout)
		watch.want(45, "end")
	})
}

// A client that does not fetch the end has it forced on it.
func TestTimeCloseUnfetched(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.poll("EIO=4")
		time.Sleep(20 * time.Second)
		c.session.Close()
		c.wantClosed(t, ForcedClose)
		watch.want(20+30, "end")
	})
}

// So has one that does not read what comes before the end, and no ping is added.
func TestTimeCloseUnread(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		time.Sleep(20 * time.Second)
		c.session.Send(text("last"))
		c.session.Close()
		time.Sleep(10 * time.Second)
		c.want("4last")
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x %q", f.Header.OpCode, f.Payload)
		}
		c.wantClosed(t, ForcedClose)
		watch.want(30, "end")

		other := s.websocket("EIO=4")
		other.session.Close()
		other.wantClosed(t, ForcedClose)
		watch.want(60, "end of who does not read")
		other.wantEnd()
	})
}

// A client that never answers a close frame is waited for, a little.
func TestTimeLinger(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		c.session.Close()
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x", f.Header.OpCode)
		}
		c.wantClosed(t, ForcedClose)
		watch.want(0, "end")
		c.wantEnd()
		watch.want(5, "end of the connection")
	})
}

func TestTimeUpgrade(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		c := s.poll("EIO=4")
		watch := startWatch(t)
		w := c.dial("EIO=4&sid=" + c.session.ID()) // says nothing
		w.wantEnd()
		watch.want(10, "end of a silent probe")

		w = c.probed()
		watch = startWatch(t)
		for range hurriedPolls {
			c.want(c.get(), 200, "6")
		}
		watch.want(0, "the first answers")
		for range 10 {
			c.want(c.get(), 200, "6")
		}
		watch.want(1, "the next answers")
		w.wantEnd()
		watch.want(10, "end of a probe that came to nothing")

		c.session.Send(text("goes on"))
		c.want(c.get(), 200, "4goes on")
		w = c.probed()
		w.packet("5")
		w.want("2")
	})
}

func TestTimeCloseAfter(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		a, b, c := s.poll("EIO=4"), s.poll("EIO=4"), s.websocket("EIO=4")
		a.session.CloseAfter(10 * time.Second)
		b.session.CloseAfter(10 * time.Second)
		c.session.CloseAfter(10 * time.Second)
		time.Sleep(9 * time.Second)
		b.session.CloseAfter(0)
		c.session.CloseAfter(2 * time.Second)
		a.want(a.get(), 200, "1")
		a.wantClosed(t, ForcedClose)
		watch.want(10, "end of the first")
		if f := c.next(); f.Header.OpCode != ws.OpClose {
			t.Errorf("%x", f.Header.OpCode)
		}
		watch.want(11, "end of the last")
		b.want(b.get(), 200, "2")
		watch.want(25, "ping of the one that is kept")
	})
}

// A client that does not read the answer to its GET does not hold it longer than a
// heartbeat, nor does one that sends half a POST hold the server.
func TestTimeSlowRequests(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c, get, post := s.poll("EIO=4"), s.raw(), s.raw()
		c.session.Send(text(strings.Repeat("a", 1<<20)))
		go func() { _, _ = io.WriteString(get, "GET /engine.io/?"+c.query+" HTTP/1.1\r\nHost: x\r\n\r\n") }()
		go func() {
			_, _ = io.WriteString(post, "POST /engine.io/?"+c.query+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n4a")
		}()
		c.wantClosed(t, PingTimeout)
		watch.want(45, "end")
		_ = post.SetDeadline(time.Time{})
		if b, _ := io.ReadAll(post); !strings.HasPrefix(string(b), "HTTP/1.1 400") {
			t.Errorf("%q", b)
		}
		watch.want(45, "end of the POST")
		_ = get.SetDeadline(time.Time{})
		time.Sleep(time.Second)
		if b, err := io.ReadAll(get); err != nil || len(b) > 1<<20 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		watch.want(46, "end of the GET")
	})
}

func TestTimeShutdown(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		poll, ws := s.poll("EIO=4"), s.websocket("EIO=4")
		go func() { _, _ = io.Copy(io.Discard, ws.r) }() // reads, and never answers
		if err := s.srv.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		watch.want(30, "end")
		poll.wantClosed(t, ForcedClose)
		ws.wantClosed(t, ForcedClose)
	})
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		poll, ws, unread := s.poll("EIO=4"), s.websocket("EIO=4"), s.websocket("EIO=4")
		go func() { _, _ = io.Copy(io.Discard, ws.r) }()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := s.srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		watch.want(3, "end")
		for _, p := range []*peer{poll.peer, ws.peer, unread.peer} {
			p.wantClosed(t, ForcedClose)
		}
	})
}
