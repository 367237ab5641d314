package socketio_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestReasons ends a socket in each way: the reason is told once.
func TestReasons(t *testing.T) {
	tests := []struct {
		name    string
		polling bool
		end     func(c *siotest.Client, s *socketio.Socket, srv *socketio.Server)
		want    socketio.Reason
		told    []string // what the client gets before the end of its connection; nil if that goes on
	}{
		{"client leaves", false, func(c *siotest.Client, _ *socketio.Socket, _ *socketio.Server) { _ = c.Send("1/chat,") },
			socketio.ClientNamespaceDisconnect, nil},
		{"client is gone", false, func(c *siotest.Client, _ *socketio.Socket, _ *socketio.Server) { c.Close() },
			socketio.TransportClose, nil},
		{"disconnected", false, func(_ *siotest.Client, s *socketio.Socket, _ *socketio.Server) { s.Disconnect(false) },
			socketio.ServerNamespaceDisconnect, nil},
		{"closed", false, func(_ *siotest.Client, s *socketio.Socket, _ *socketio.Server) { s.Disconnect(true) },
			socketio.ServerNamespaceDisconnect, []string{"1", "1/chat,"}},
		{"closed, polling", true, func(_ *siotest.Client, s *socketio.Socket, _ *socketio.Server) { s.Disconnect(true) },
			socketio.ServerNamespaceDisconnect, []string{"1", "1/chat,"}},
		{"parse error", false, func(c *siotest.Client, _ *socketio.Socket, _ *socketio.Server) { _ = c.Send("nonsense") },
			socketio.ParseError, []string{}},
		{"parse error, polling", true, func(c *siotest.Client, _ *socketio.Socket, _ *socketio.Server) { _ = c.Send("nonsense") },
			socketio.ParseError, []string{}},
		{"too large", false, func(c *siotest.Client, _ *socketio.Socket, _ *socketio.Server) {
			_ = c.Send(`2["` + strings.Repeat("x", 1_000_001) + `"]`)
		}, socketio.TransportError, []string{}},
		{"shutdown", false, func(_ *siotest.Client, _ *socketio.Socket, srv *socketio.Server) {
			_ = srv.Shutdown(context.Background())
		},
			socketio.ServerShuttingDown, []string{}},
		{"shutdown, polling", true, func(_ *siotest.Client, _ *socketio.Socket, srv *socketio.Server) {
			_ = srv.Shutdown(context.Background())
		},
			socketio.ServerShuttingDown, []string{}},
		{"close", false, func(_ *siotest.Client, _ *socketio.Socket, srv *socketio.Server) { _ = srv.Close() },
			socketio.ServerShuttingDown, []string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			ns := srv.Of("/chat")
			sockets, reasons, main := joined(ns), gone(ns), gone(srv.Of("/"))
			begun, ended := make(chan bool, 1), make(chan error, 1)
			socketio.On(ns, "wait", func(ctx context.Context, _ *socketio.Socket, _ socketio.Args) error {
				begun <- true
				<-ctx.Done()
				ended <- ctx.Err()
				return nil
			})
			c := clients.Open(siotest.Options{Polling: test.polling})
			c.Join("/", "")
			c.Join("/chat", "")
			s := next(t, sockets)
			c.Emit("/chat", `["wait"]`)
			next(t, begun)
			test.end(c, s, srv)
			if got := next(t, reasons); got != test.want {
				t.Errorf("reason %q, want %q", got, test.want)
			}
			if err := next(t, ended); err != context.Canceled {
				t.Errorf("the handler's context ended with %v", err)
			}
			switch {
			case test.told != nil:
				c.WantEnd(test.told...)
				if got := next(t, main); got != test.want {
					t.Errorf("reason %q in the main namespace, want %q", got, test.want)
				}
			case test.name == "disconnected":
				c.Want("1/chat,")
			}
			s.Disconnect(false) // nothing happens
			nothing(t, reasons)
			if s.Connected() || s.Rooms() != nil {
				t.Errorf("connected %v, in %q", s.Connected(), s.Rooms())
			}
		})
	}
}

func TestReasonPollAborted(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		reasons := gone(srv.Of("/"))
		c := clients.Open(siotest.Options{Polling: true})
		c.Join("/", "")
		synctest.Wait() // for its next poll
		c.Close()
		if got := <-reasons; got != socketio.TransportError {
			t.Errorf("reason %q", got)
		}
	})
}

func TestReasonPingTimeout(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		t.Run(fmt.Sprint("protocol ", protocol), func(t *testing.T) {
			bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
				reasons := gone(srv.Of("/"))
				start := time.Now()
				c := clients.Open(siotest.Options{Protocol: protocol, Deaf: true})
				_ = c.Send("0")
				if got := <-reasons; got != socketio.PingTimeout {
					t.Errorf("reason %q", got)
				}
				if took := time.Since(start); took != 45*time.Second {
					t.Errorf("after %v, want the interval and the timeout", took)
				}
			})
		})
	}
}

// TestSlowClient has a client that does not read.
func TestSlowClient(t *testing.T) {
	bubble(t, socketio.Options{Engine: engineio.Options{MaxBuffer: 100_000}}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		sockets, reasons := joined(srv.Of("/")), gone(srv.Of("/"))
		deaf := clients.Open(siotest.Options{Deaf: true})
		_ = deaf.Send("0")
		<-sockets
		other := clients.Join("/")
		synctest.Wait() // or the greeting is still on its way
		big := strings.Repeat("x", 30_000)
		for i := range 4 {
			_ = srv.Of("/").Volatile().Emit("e", big) // is dropped, when it is not taken at once
			_ = srv.Emit("e", i, big)
			synctest.Wait()
		}
		if got := <-reasons; got != socketio.TransportError {
			t.Errorf("reason %q", got)
		}
		for i := range 4 {
			other.Want(`2["e","`+big+`"]`, fmt.Sprintf(`2["e",%d,"%s"]`, i, big))
		}
		deaf.Hear()
		for {
			m, err := deaf.Read()
			if err != nil {
				break
			}
			if strings.HasPrefix(m.Text, `2["e","`) {
				t.Error("a volatile event was kept for a client that did not take it")
			}
		}
	})
}

// TestShutdown lets handlers finish, and takes no new clients.
func TestShutdown(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		var did journal
		release := make(chan bool)
		socketio.On(srv.Of("/"), "e", func(context.Context, *socketio.Socket, socketio.Args) error {
			<-release
			did.note("event")
			return nil
		})
		srv.Of("/").OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.Reason) { did.note("%s", reason) })
		c := clients.Join("/")
		c.Emit("/", `["e"]`)
		synctest.Wait()
		result := make(chan error, 1)
		go func() { result <- srv.Shutdown(t.Context()) }()
		c.WantEnd()
		synctest.Wait()
		if srv.Ready() == nil {
			t.Error("ready while it shuts down")
		}
		nothing(t, result)
		status, _, err := clients.Get("/socket.io/?EIO=4&transport=polling")
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("a new client gets status %d, %v", status, err)
		}
		if _, err := clients.TryOpen(siotest.Options{}); err == nil {
			t.Error("a new client was taken")
		}
		close(release)
		if err := <-result; err != nil {
			t.Error(err)
		}
		if got := strings.Join(did.read(), ", "); got != "event, server shutting down" {
			t.Error(got)
		}
		if srv.Connections() != 0 {
			t.Errorf("%d connections are left", srv.Connections())
		}
		for range 2 { // again, after it
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestShutdownGivesUp has a handler that does not look at its context.
func TestShutdownGivesUp(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		release := make(chan bool)
		socketio.On(srv.Of("/"), "e", func(context.Context, *socketio.Socket, socketio.Args) error { <-release; return nil })
		c := clients.Join("/")
		c.Emit("/", `["e"]`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := srv.Shutdown(ctx); err != context.DeadlineExceeded || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		close(release)
	})
}

// TestShutdownOfDeafClient has a client that does not read what waits for it.
func TestShutdownOfDeafClient(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		reasons := gone(srv.Of("/"))
		c := clients.Open(siotest.Options{Deaf: true})
		_ = c.Send("0")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := srv.Shutdown(ctx); err != context.DeadlineExceeded || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if got := <-reasons; got != socketio.ServerShuttingDown {
			t.Errorf("reason %q", got)
		}
	})
}

// TestDisconnectAll throws out everybody from several sides at once.
func TestDisconnectAll(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	a, b := srv.Of("/a"), srv.Of("/b")
	sockets, reasons := joined(a), []<-chan socketio.Reason{gone(a), gone(b)}
	for range 20 {
		c := clients.Join("/a")
		c.Join("/b", "")
		s := next(t, sockets)
		var sides sync.WaitGroup
		for range 3 {
			sides.Go(func() { s.Disconnect(true) })
			sides.Go(func() { s.Disconnect(false) })
			sides.Go(func() { _ = a.Emit("e") })
		}
		sides.Go(c.Close)
		sides.Wait()
		for _, r := range reasons {
			next(t, r)
		}
	}
	for _, r := range reasons {
		nothing(t, r)
	}
	if a.Sockets()+b.Sockets() != 0 {
		t.Errorf("%d and %d sockets are left", a.Sockets(), b.Sockets())
	}
}
