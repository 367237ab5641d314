package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

func TestConnect(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		main, chat := joined(srv.Of("/")), joined(srv.Of("chat"))
		c := clients.Open(o)
		sids := []string{c.Join("/", ""), c.Join("/chat", "")}
		for i, s := range []*socketio.Socket{next(t, main), next(t, chat)} {
			want := sids[i]
			if o.Protocol == 3 { // these clients work it out by themselves
				want = strings.TrimPrefix(s.Namespace().Name()+"#"+c.SID, "/#")
			}
			if s.ID() != want {
				t.Errorf("id is %q, the client knows %q", s.ID(), want)
			}
			if !s.Connected() {
				t.Error("not connected")
			}
			if got := s.Rooms(); !slices.Equal(got, []string{s.ID()}) {
				t.Errorf("rooms %q, want its id", got)
			}
		}
		if n := srv.Of("/chat").Sockets(); n != 1 {
			t.Errorf("%d sockets in /chat, want 1", n)
		}
		if o.Protocol == 4 && (sids[0] == c.SID || sids[0] == sids[1]) {
			t.Errorf("socket ids %q are not their own; the session's %q is secret", sids, c.SID)
		}
	})
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		name      string
		protocol  int
		url, join string
		auth      string
		username  []string
	}{
		{"nothing", 4, "", "0/chat,", "", nil},
		{"auth", 4, "username=url", `0/chat,{"token":"t","n":1.0}`, `{"token":"t","n":1.0}`, []string{"url"}},
		{"empty auth", 4, "", `0/chat,{}`, `{}`, nil},
		{"query of the URL", 3, "username=url", "0/chat,", "", []string{"url"}},
		{"query of the namespace", 3, "", "0/chat?username=%EC%97%B0%EC%9A%B0&x=1,", `{"username":"연우","x":"1"}`, []string{"연우"}},
		{"both queries", 3, "username=url", "0/chat?username=nsp,", `{"username":"nsp"}`, []string{"nsp", "url"}},
		{"malformed query", 3, "", "0/chat?username=nsp&a=%zz,", `{"username":"nsp"}`, []string{"nsp"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			sockets := joined(srv.Of("/chat"))
			before := time.Now().Add(-time.Second)
			c := clients.Open(siotest.Options{Protocol: test.protocol, Query: test.url, Header: map[string][]string{"X-Test": {"a"}}})
			_ = c.Send(test.join)
			h := next(t, sockets).Handshake()
			if string(h.Auth) != test.auth {
				t.Errorf("auth is %s, want %s", h.Auth, test.auth)
			}
			if diff := cmp.Diff(test.username, h.Query["username"]); diff != "" {
				t.Errorf("username in the query: %s", diff)
			}
			if h.Query.Get("EIO") != fmt.Sprint(test.protocol) || !strings.HasPrefix(h.URL, "/socket.io/?EIO=") {
				t.Errorf("query %v, URL %q", h.Query, h.URL)
			}
			if h.Address != "127.0.0.1" || h.Secure || h.Header.Get("X-Test") != "a" || h.Time.Before(before) {
				t.Errorf("handshake %+v", h)
			}
		})
	}
}

func TestUnknownNamespace(t *testing.T) {
	_, clients := serve(t, socketio.Options{})
	c := clients.Join("/")
	_ = c.Send("0/nowhere,")
	c.Want(`4/nowhere,{"message":"Invalid namespace"}`)
	_ = c.Send("0/?a=b,") // of protocol 3 only: here it is a name
	c.Want(`4/?a=b,{"message":"Invalid namespace"}`)

	old := clients.Open(siotest.Options{Protocol: 3})
	old.Join("/", "")
	_ = old.Send("0/nowhere?a=b,")
	old.Want(`4/nowhere,"Invalid namespace"`)
}

func TestRefusal(t *testing.T) {
	plain := errors.New("go away")
	tests := []struct {
		name        string
		refuse      func(*socketio.Socket) error
		five, three string // what clients of the Socket.IO protocols 5 and 4 get
	}{
		{"error", func(*socketio.Socket) error { return plain }, `{"message":"go away"}`, `"go away"`},
		{"message", func(*socketio.Socket) error { return &socketio.ConnectError{Message: "no"} }, `{"message":"no"}`, `"no"`},
		{"data", func(*socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: map[string]int{"code": 7}}
		}, `{"message":"no","data":{"code":7}}`, `{"code":7}`},
		{"wrapped", func(*socketio.Socket) error {
			return fmt.Errorf("auth: %w", &socketio.ConnectError{Message: "no", Data: "d"})
		}, `{"message":"no","data":"d"}`, `"d"`},
		{"data that can't be encoded", func(*socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: func() {}}
		}, `{"message":"no"}`, `"no"`},
		{"panic", func(*socketio.Socket) error { panic("oops: secret") }, `{"message":"Internal server error"}`, `"Internal server error"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			chat := srv.Of("/chat")
			sockets, reasons := joined(chat), gone(chat)
			var refused *socketio.Socket
			allow := false
			chat.Use(func(_ context.Context, s *socketio.Socket) error {
				if allow {
					return nil
				}
				refused = s
				return test.refuse(s)
			})
			c := clients.Join("/")
			_ = c.Send("0/chat,")
			c.Want("4/chat," + test.five)
			<-refused.Context().Done()
			if err := refused.Emit("e"); err != socketio.ErrDisconnected {
				t.Errorf("Emit to a refused socket: %v", err)
			}
			old := clients.Open(siotest.Options{Protocol: 3})
			old.Join("/", "")
			_ = old.Send("0/chat,")
			old.Want("4/chat," + test.three)
			nothing(t, sockets)

			allow = true // and it may try again on the same connection
			c.Join("/chat", "")
			next(t, sockets)
			nothing(t, reasons)
		})
	}
}

func TestMiddlewareOrder(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	var did journal
	for i := range 3 {
		srv.Of("/").Use(func(ctx context.Context, s *socketio.Socket) error {
			did.note("middleware %d", i)
			if err := s.Emit("e"); err != socketio.ErrDisconnected {
				t.Errorf("Emit before the socket is connected: %v", err)
			}
			if i == 1 && string(s.Handshake().Auth) == "{}" {
				return errors.New("no")
			}
			return ctx.Err()
		})
	}
	srv.Of("/").OnConnect(func(context.Context, *socketio.Socket) error { did.note("connect 1"); return nil })
	srv.Of("/").OnConnect(func(context.Context, *socketio.Socket) error { did.note("connect 2"); return nil })
	socketio.On(srv.Of("/"), "e", func(context.Context, *socketio.Socket, socketio.Args) error { did.note("event"); return nil })
	reasons := gone(srv.Of("/"))

	c := clients.Open(siotest.Options{})
	_ = c.Send("0{}")
	c.Want(`4{"message":"no"}`)
	c.Join("/", "")
	c.Emit("/", `["e"]`)
	_ = c.Send("1")
	next(t, reasons)
	want := []string{"middleware 0", "middleware 1", "middleware 0", "middleware 1", "middleware 2", "connect 1", "connect 2", "event"}
	if diff := cmp.Diff(want, did.read()); diff != "" {
		t.Error(diff)
	}
}

func TestConnectTwice(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	reasons := gone(srv.Of("/"))
	c := clients.Join("/")
	_ = c.Send("0")
	c.WantEnd()
	if got := next(t, reasons); got != socketio.ParseError {
		t.Errorf("reason %q", got)
	}

	old := clients.Open(siotest.Options{Protocol: 3}) // is in "/" without asking, and may ask
	old.Join("/", "")
	_ = old.Send("0")
	srv.Of("/chat")
	old.Join("/chat", "")
}

func TestEventBeforeConnect(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	events := make(chan string, 8)
	socketio.On(srv.Of("/"), "e", func(_ context.Context, _ *socketio.Socket, arg string) error {
		events <- arg
		return nil
	})
	c := clients.Open(siotest.Options{})
	c.Emit("/", `["e","early"]`)
	c.Join("/", "")
	c.Emit("/", `["e","in time"]`)
	if got := next(t, events); got != "in time" {
		t.Errorf("handled %q", got)
	}
	c = clients.Open(siotest.Options{})
	c.Emit("/nowhere", `["e","x"]`)
	c.WantEnd()
}

func TestEventsWhileConnecting(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	events, entered, admit := make(chan int, 8), make(chan bool, 1), make(chan error)
	srv.Of("/").Use(func(context.Context, *socketio.Socket) error {
		entered <- true
		return <-admit
	})
	socketio.On(srv.Of("/"), "e", func(_ context.Context, s *socketio.Socket, n int) error {
		events <- n
		return nil
	})
	c := clients.Open(siotest.Options{})
	_ = c.Send("0")
	next(t, entered)
	for i := range 3 {
		c.Emit("/", fmt.Sprintf(`["e",%d]`, i))
	}
	nothing(t, events)
	admit <- nil
	for i := range 3 {
		if got := next(t, events); got != i {
			t.Errorf("event %d, want %d", got, i)
		}
	}

	// What a refused client has sent is dropped, and holds nothing up.
	c = clients.Open(siotest.Options{})
	_ = c.Send("0")
	next(t, entered)
	for i := range 1000 {
		if i == 500 {
			admit <- errors.New("no")
		}
		c.Emit("/", fmt.Sprintf(`["e",%d]`, i))
	}
	c.Want(`4{"message":"no"}`)
	_ = c.Send("0")
	next(t, entered)
	admit <- nil
	c.Text()
	c.Emit("/", `["e",-1]`)
	if got := next(t, events); got != -1 {
		t.Errorf("event %d of a refused socket was handled", got)
	}
}

func TestTooManyNamespaces(t *testing.T) {
	const limit = 256
	srv, clients := serve(t, socketio.Options{})
	c, other := clients.Open(siotest.Options{}), clients.Join("/")
	var reasons []<-chan socketio.Reason
	for i := range limit + 1 {
		ns := srv.Of(fmt.Sprint("/", i))
		reasons = append(reasons, gone(ns))
		if i < limit {
			c.Join(ns.Name(), "")
		}
	}
	_ = c.Send(fmt.Sprintf("0/%d,", limit))
	c.WantEnd()
	for _, r := range reasons[:limit] {
		if got := next(t, r); got != socketio.ParseError {
			t.Errorf("reason %q", got)
		}
	}
	other.Join("/7", "")
}

// TestManyLives has a client that joins and leaves again and again while a slow
// middleware is at it: it must not get a goroutine for each.
func TestManyLives(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	release := make(chan struct{})
	ended := make(chan bool, 1000)
	srv.Of("/").Use(func(context.Context, *socketio.Socket) error {
		<-release
		ended <- true
		return nil
	})
	c := clients.Open(siotest.Options{})
	for range 400 {
		_ = c.Send("0")
		_ = c.Send("1")
	}
	c.WantEnd()
	close(release)
	for range 256 {
		next(t, ended)
	}
	nothing(t, ended)
}

func TestConnectTimeout(t *testing.T) {
	tests := []struct {
		name string
		opts socketio.Options
		want time.Duration
	}{
		{"default", socketio.Options{}, 45 * time.Second},
		{"own", socketio.Options{ConnectTimeout: 3 * time.Second}, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, test.opts, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
				start := time.Now()
				member, idle := clients.Join("/"), clients.Open(siotest.Options{})
				idle.WantEnd()
				if took := time.Since(start); took != test.want {
					t.Errorf("closed after %v, want %v", took, test.want)
				}
				time.Sleep(10 * time.Minute)
				member.Emit("/", `["e"]`) // is there still
				synctest.Wait()
				if n := srv.Connections(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			})
		})
	}
}

// TestConnectTimeoutInMiddleware has a middleware that takes longer than a client
// may.
func TestConnectTimeoutInMiddleware(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		sockets := joined(srv.Of("/"))
		srv.Of("/").Use(func(ctx context.Context, _ *socketio.Socket) error {
			<-ctx.Done()
			return ctx.Err()
		})
		c := clients.Open(siotest.Options{})
		_ = c.Send("0")
		c.WantEnd()
		synctest.Wait()
		nothing(t, sockets)
	})
}

func TestLeavesWhileConnecting(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(c *siotest.Client)
	}{
		{"connection", func(c *siotest.Client) { c.Close() }},
		{"namespace", func(c *siotest.Client) { _ = c.Send("1") }},
	} {
		for _, result := range []error{nil, errors.New("no")} {
			t.Run(fmt.Sprint(test.name, ", ", result), func(t *testing.T) {
				srv, clients := serve(t, socketio.Options{})
				sockets, reasons := joined(srv.Of("/")), gone(srv.Of("/"))
				entered, ended := make(chan bool, 1), make(chan error, 1)
				wait := true
				srv.Of("/").Use(func(ctx context.Context, s *socketio.Socket) error {
					if !wait {
						return nil
					}
					entered <- true
					<-ctx.Done()
					ended <- ctx.Err()
					return result
				})
				c := clients.Open(siotest.Options{})
				_ = c.Send("0")
				next(t, entered)
				test.leave(c)
				if err := next(t, ended); err != context.Canceled {
					t.Errorf("context ended with %v", err)
				}
				wait = false
				// Another socket, and no answer for the one that has left.
				if test.name == "connection" {
					c = clients.Open(siotest.Options{})
				}
				c.Join("/", "")
				next(t, sockets)
				nothing(t, sockets)
				nothing(t, reasons)
				if n := srv.Of("/").Sockets(); n != 1 {
					t.Errorf("%d sockets, want 1", n)
				}
			})
		}
	}
}

// TestRejoin has a client that comes back as soon as it is told to leave, which is
// what clients do.
func TestRejoin(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	sockets := joined(srv.Of("/"))
	c := clients.Join("/")
	for range 500 {
		s := next(t, sockets)
		go s.Disconnect(false)
		c.Want("1")
		c.Join("/", "")
	}
	next(t, sockets)
	if n := srv.Of("/").Sockets(); n != 1 {
		t.Errorf("%d sockets, want 1", n)
	}
}

func TestOptionsCheck(t *testing.T) {
	for _, opts := range []socketio.Options{{ConnectTimeout: -1}, {MaxAttachments: -1}} {
		if err := opts.Check(); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("NewServer took options that can't be meant")
		}
	}()
	socketio.NewServer(socketio.Options{MaxAttachments: -1})
}

// TestJoinInMiddleware puts a client into rooms before it is let in.
func TestJoinInMiddleware(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		s.Join("a", "b", "a")
		s.Leave("b")
		return nil
	})
	sockets := joined(ns)
	id := clients.Open(siotest.Options{}).Join("/", "")
	if got, want := next(t, sockets).Rooms(), []string{id, "a"}; !slices.Equal(got, want) {
		t.Errorf("rooms %q, want %q", got, want)
	}
	if ns.Local().To("b").LocalSockets() != nil {
		t.Error("somebody is in b")
	}
}
