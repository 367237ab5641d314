package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestOrder sends events from many clients at once: those of one client are
// handled in order, and one at a time.
func TestOrder(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		const sockets, events = 8, 50
		srv, clients := serve(t, socketio.Options{})
		type state struct{ next, inside int }
		done := make(chan string, sockets)
		srv.Of("/").Use(func(_ context.Context, s *socketio.Socket) error {
			s.SetData(&state{})
			return nil
		})
		socketio.On(srv.Of("/"), "n", func(_ context.Context, s *socketio.Socket, n int) error {
			st := s.Data().(*state) // not guarded: the race detector is part of the test
			st.inside++
			if st.inside != 1 || st.next != n {
				t.Errorf("%d handlers at a time; event %d, want %d", st.inside, n, st.next)
			}
			st.next++
			st.inside--
			if n == events-1 {
				done <- s.ID()
			}
			return nil
		})
		var senders sync.WaitGroup
		defer senders.Wait()
		for range sockets {
			c := clients.Open(o)
			c.Join("/", "")
			senders.Go(func() {
				for i := range events {
					c.Emit("/", fmt.Sprintf(`["n",%d]`, i))
				}
			})
		}
		for range sockets {
			next(t, done)
		}
	})
}

// TestNamespacesAreApart has one namespace whose handler waits for another one's,
// on the same connection.
func TestNamespacesAreApart(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	release, released := make(chan bool), make(chan bool)
	socketio.On(srv.Of("/a"), "wait", func(context.Context, *socketio.Socket, socketio.Args) error {
		<-release
		released <- true
		return nil
	})
	socketio.On(srv.Of("/b"), "go", func(context.Context, *socketio.Socket, socketio.Args) error {
		close(release)
		return nil
	})
	c := clients.Join("/a")
	c.Join("/b", "")
	c.Emit("/a", `["wait"]`)
	c.Emit("/b", `["go"]`)
	next(t, released)
}

// TestSlowHandler has a client that sends far more than its handler takes: it is
// read from no more, nobody else notices, nothing is lost, and no heartbeat ends.
func TestSlowHandler(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		t.Run(fmt.Sprint("protocol ", protocol), func(t *testing.T) {
			bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
				const events = 2000
				release, last := make(chan bool), make(chan bool)
				handled, sent := 0, 0
				socketio.On(srv.Of("/"), "slow", func(_ context.Context, _ *socketio.Socket, n int) error {
					<-release
					if n != handled {
						t.Errorf("event %d, want %d", n, handled)
					}
					if handled++; n == events-1 {
						last <- true
					}
					return nil
				})
				socketio.OnAck(srv.Of("/"), "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) {
					return v, nil
				})
				reasons := gone(srv.Of("/"))
				slow, other := clients.Open(siotest.Options{Protocol: protocol}), clients.Join("/")
				slow.Join("/", "")
				go func() {
					for ; sent < events; sent++ {
						slow.Emit("/", fmt.Sprintf(`["slow",%d]`, sent))
					}
				}()
				synctest.Wait()
				if sent < 100 || sent > 400 {
					t.Errorf("%d events were read while the first was handled", sent)
				}
				_ = other.Send(`27["echo","hi"]`)
				other.Want(`37["hi"]`)
				if protocol == 4 { // an old client pings by itself, and this one does not
					time.Sleep(5 * time.Minute)
				}
				close(release)
				<-last
				nothing(t, reasons)
				_ = slow.Send(`28["echo",1]`)
				slow.Want(`38[1]`)
			})
		})
	}
}

// TestBigBacklog has a client whose waiting events are few and large.
func TestBigBacklog(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		release, handled, sent := make(chan bool), 0, 0
		socketio.On(srv.Of("/"), "slow", func(context.Context, *socketio.Socket, socketio.Args) error {
			<-release
			handled++
			return nil
		})
		c := clients.Join("/")
		go func() {
			big := `["slow","` + strings.Repeat("x", 500_000) + `"]`
			for ; sent < 20; sent++ {
				c.Emit("/", big)
			}
		}()
		synctest.Wait()
		if sent < 2 || sent > 6 {
			t.Errorf("%d events of half a megabyte were read while the first was handled", sent)
		}
		close(release)
		synctest.Wait()
		if handled != 20 {
			t.Errorf("%d events handled, want 20", handled)
		}
	})
}

// TestPanics has each kind of handler panic: its socket ends, with nothing more
// handled, and nobody else notices.
func TestPanics(t *testing.T) {
	boom := func() { panic("boom") }
	tests := []struct {
		name  string
		where func(ns *socketio.Namespace)
	}{
		{"event", func(ns *socketio.Namespace) {
			socketio.On(ns, "bad", func(context.Context, *socketio.Socket, socketio.Args) error { boom(); return nil })
		}},
		{"runtime error", func(ns *socketio.Namespace) {
			socketio.On(ns, "bad", func(context.Context, *socketio.Socket, socketio.Args) error {
				var s []int
				return fmt.Errorf("never: %d", s[len(s)])
			})
		}},
		{"OnError", func(ns *socketio.Namespace) {
			socketio.On(ns, "bad", func(context.Context, *socketio.Socket, socketio.Args) error { return errors.New("bad") })
			ns.OnError(func(context.Context, *socketio.Socket, *socketio.Event, error) { boom() })
		}},
		{"OnConnect", func(ns *socketio.Namespace) {
			ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
				if s.Handshake().Auth != nil {
					boom()
				}
				return nil
			})
		}},
		{"OnDisconnect", func(ns *socketio.Namespace) {
			socketio.On(ns, "bad", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error {
				s.Disconnect(false)
				return nil
			})
			ns.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) { boom() })
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			ns := srv.Of("/")
			reasons, after := gone(ns), make(chan bool, 8)
			test.where(ns)
			socketio.On(ns, "after", func(context.Context, *socketio.Socket, socketio.Args) error { after <- true; return nil })
			other := clients.Join("/")
			c := clients.Open(siotest.Options{})
			c.Join("/", `{"x":1}`)
			c.Emit("/", `["bad"]`)
			c.Emit("/", `["after"]`)
			c.Want("1")
			if got := next(t, reasons); got != socketio.ServerNamespaceDisconnect {
				t.Errorf("reason %q", got)
			}
			other.Emit("/", `["after"]`)
			next(t, after)
			c.Join("/", "") // the connection lives
			nothing(t, after)
			nothing(t, reasons)
		})
	}
}

type message struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func TestTypedHandlers(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	got := make(chan any, 8)
	socketio.On(ns, "struct", func(_ context.Context, _ *socketio.Socket, m message) error { got <- m; return nil })
	socketio.On(ns, "pointer", func(_ context.Context, _ *socketio.Socket, m *message) error { got <- m; return nil })
	socketio.On(ns, "raw", func(_ context.Context, _ *socketio.Socket, r socketio.Raw) error { got <- r; return nil })
	socketio.On(ns, "bytes", func(_ context.Context, _ *socketio.Socket, b []byte) error { got <- b; return nil })
	socketio.On(ns, "any", func(_ context.Context, _ *socketio.Socket, v any) error { got <- v; return nil })
	socketio.On(ns, "args", func(_ context.Context, _ *socketio.Socket, a socketio.Args) error {
		var first, third int
		var second string
		err := a.Decode(&first, &second, &third)
		got <- []any{a.Len(), first, second, third, err}
		return nil
	})
	c := clients.Join("/")
	tests := []struct {
		packet      string
		attachments [][]byte
		want        any
	}{
		{packet: `2["struct",{"name":"연우","text":"안녕 👋"}]`, want: message{"연우", "안녕 👋"}},
		{packet: `2["struct",{"name":"a","more":[1]},"too many"]`, want: message{Name: "a"}},
		{packet: `2["struct"]`, want: message{}},
		{packet: `2["struct",null]`, want: message{}},
		{packet: `2["pointer",{"text":"x"}]`, want: &message{Text: "x"}},
		{packet: `2["pointer"]`, want: (*message)(nil)},
		{packet: `2["raw",{"b":1.0,"a":"\ud800"}]`, want: socketio.Raw{JSON: []byte(`{"b":1.0,"a":"\ud800"}`)}},
		{packet: `2["raw"]`, want: socketio.Raw{}},
		{packet: `51-["bytes",{"_placeholder":true,"num":0}]`, attachments: [][]byte{{1, 255}}, want: []byte{1, 255}},
		{packet: `2["any",[1,"a",{"b":null}]]`, want: []any{1.0, "a", map[string]any{"b": nil}}},
		{packet: `2["args",1,"b"]`, want: []any{2, 1, "b", 0, error(nil)}},
		{packet: `2["args"]`, want: []any{0, 0, "", 0, error(nil)}},
		{packet: `2["args",1,"b",3,4]`, want: []any{4, 1, "b", 3, error(nil)}},
	}
	for _, test := range tests {
		_ = c.Send(test.packet, test.attachments...)
		if diff := cmp.Diff(test.want, next(t, got)); diff != "" {
			t.Errorf("%s: %s", test.packet, diff)
		}
	}
}

func TestArgumentErrors(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	failed := make(chan error, 1)
	ns.OnError(func(_ context.Context, s *socketio.Socket, e *socketio.Event, err error) {
		failed <- fmt.Errorf("%s: %w", e.Name, err)
		if err := e.Ack("bad"); err != nil {
			t.Errorf("Ack in OnError: %v", err)
		}
	})
	socketio.On(ns, "on", func(context.Context, *socketio.Socket, message) error { t.Error("called"); return nil })
	socketio.OnAck(ns, "onack", func(context.Context, *socketio.Socket, int) (int, error) { t.Error("called"); return 0, nil })
	socketio.On(ns, "args", func(_ context.Context, _ *socketio.Socket, a socketio.Args) error {
		if _, err := a.Raw(-1); err == nil {
			t.Error("Raw(-1) is an argument")
		}
		if _, err := a.Raw(2); err == nil {
			t.Error("Raw(2) of two is an argument")
		}
		var n, m int
		return a.Decode(&n, &m)
	})
	c := clients.Join("/")
	for _, test := range []struct {
		packet string
		event  string
		index  int
	}{
		{`21["on","a string"]`, "on", 0},
		{`21["on",[]]`, "on", 0},
		{`21["onack","1"]`, "onack", 0},
		{`21["onack",1e400]`, "onack", 0},
		{`21["args",1,"2"]`, "args", 1},
	} {
		_ = c.Send(test.packet)
		err := next(t, failed)
		bad := (*socketio.ArgumentError)(nil)
		if !errors.As(err, &bad) || bad.Index != test.index || !strings.HasPrefix(err.Error(), test.event+": socketio: argument ") {
			t.Errorf("%s: %v", test.packet, err)
		}
		c.Want(`31["bad"]`)
	}
}

func TestUnknownEvents(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	srv.Of("/").OnError(func(_ context.Context, _ *socketio.Socket, _ *socketio.Event, err error) { t.Error(err) })
	known := make(chan int, 1)
	socketio.On(srv.Of("/"), "known", func(_ context.Context, _ *socketio.Socket, n int) error { known <- n; return nil })
	c := clients.Join("/")
	for _, packet := range []string{
		`2["unknown",1]`, `21["unknown"]`, `2[7,1]`, `2["__proto__",1]`, `2["constructor"]`, `2["",1]`, `2["\u0000"]`, `2["Known",1]`, `2["known ",1]`,
	} {
		_ = c.Send(packet)
	}
	c.Emit("/", `["\u006bnown",2]`)
	if n := next(t, known); n != 2 {
		t.Errorf("argument %d", n)
	}
	nothing(t, known)
}

// TestQueuedEvents has events wait when their socket ends: those that a client
// sent before it left are handled, those of one that was thrown out are not.
func TestQueuedEvents(t *testing.T) {
	tests := []struct {
		name string
		end  func(c *siotest.Client, s *socketio.Socket)
		want []string
	}{
		{"client leaves", func(c *siotest.Client, _ *socketio.Socket) { _ = c.Send("1") },
			[]string{"event 0", "event 1", "event 2", "left: client namespace disconnect"}},
		{"connection lost", func(c *siotest.Client, _ *socketio.Socket) { c.Close() },
			[]string{"event 0", "event 1", "event 2", "left: transport close"}},
		{"thrown out", func(_ *siotest.Client, s *socketio.Socket) { s.Disconnect(false) },
			[]string{"event 0", "left: server namespace disconnect"}},
		{"closed", func(_ *siotest.Client, s *socketio.Socket) { s.Disconnect(true) },
			[]string{"event 0", "left: server namespace disconnect"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
				var did journal
				sockets, release := joined(srv.Of("/")), make(chan bool)
				srv.Of("/").OnDisconnect(func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) {
					did.note("left: %s", reason)
					if ctx.Err() != nil || s.Connected() || s.Rooms() != nil {
						t.Errorf("context %v, connected %v, rooms %q", ctx.Err(), s.Connected(), s.Rooms())
					}
				})
				socketio.On(srv.Of("/"), "n", func(ctx context.Context, s *socketio.Socket, n int) error {
					<-release
					did.note("event %d", n)
					if err := s.Emit("e"); ctx.Err() == nil || err != socketio.ErrDisconnected {
						t.Errorf("context %v, Emit %v", ctx.Err(), err)
					}
					return nil
				})
				c := clients.Join("/")
				for i := range 3 {
					c.Emit("/", fmt.Sprintf(`["n",%d]`, i))
				}
				synctest.Wait()
				test.end(c, <-sockets)
				synctest.Wait()
				close(release)
				synctest.Wait()
				if diff := cmp.Diff(test.want, did.read()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestEventAfterDisconnect(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	events := make(chan int, 8)
	socketio.On(srv.Of("/"), "n", func(_ context.Context, _ *socketio.Socket, n int) error { events <- n; return nil })
	c := clients.Join("/")
	_ = c.Send("1")
	c.Emit("/", `["n",1]`)
	_ = c.Send(`30["an ack"]`)
	_ = c.Send("1")
	c.Join("/", "")
	c.Emit("/", `["n",2]`)
	if n := next(t, events); n != 2 {
		t.Errorf("event %d was handled", n)
	}
}

func TestErrorsOfConnect(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	failed := make(chan error, 1)
	srv.Of("/").OnConnect(func(context.Context, *socketio.Socket) error { return errors.New("no history") })
	srv.Of("/").OnError(func(_ context.Context, s *socketio.Socket, e *socketio.Event, err error) {
		if e != nil || !s.Connected() {
			t.Errorf("event %v, connected %v", e, s.Connected())
		}
		failed <- err
	})
	clients.Join("/")
	if err := next(t, failed); err.Error() != "no history" {
		t.Error(err)
	}
}
