package limit_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/limit"
	"github.com/damso/damso/socketio"
)

func TestSocketRate(t *testing.T) {
	opts := limit.Options{All: limit.Rates{Socket: limit.Rate{Events: 2}}}
	bubble(t, opts, func(t *testing.T, l *limit.Limiter, clients *siotest.Server) {
		c, other := join(clients, ""), join(clients, "")
		asks(t, c, "a", ok, ok, late("500ms", "500"), late("500ms", "500"))
		asks(t, c, "b", late("500ms", "500")) // all events together
		asks(t, other, "a", ok, ok, late("500ms", "500"))
		time.Sleep(499 * time.Millisecond)
		asks(t, c, "a", late("1ms", "1"))
		time.Sleep(time.Millisecond)
		asks(t, c, "a", ok, late("500ms", "500"))
		time.Sleep(time.Hour) // the bucket does not overflow
		asks(t, c, "a", ok, ok, late("500ms", "500"))
		if got, want := l.Stats(), (limit.Stats{RefusedBySocket: 7}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestEventRate(t *testing.T) {
	opts := limit.Options{
		All:    limit.Rates{Socket: limit.Rate{Events: 1, Burst: 4}},
		Events: map[string]limit.Rates{"a": {Socket: limit.Rate{Events: 2, Per: minute, Burst: 1}}},
	}
	bubble(t, opts, func(t *testing.T, _ *limit.Limiter, clients *siotest.Server) {
		c := join(clients, "")
		// What the event's own rate refuses does not count for the others.
		asks(t, c, "a", ok, late("30s", "30000"), late("30s", "30000"), late("30s", "30000"))
		asks(t, c, "b", ok, ok, ok, late("1s", "1000"))
		// Both refuse: it is the longer one that counts.
		asks(t, c, "a", late("30s", "30000"))
		// What the rate of all refuses does not count for the event's own.
		time.Sleep(30*time.Second - time.Millisecond)
		asks(t, c, "b", ok, ok, ok, ok, late("1s", "1000"))
		time.Sleep(time.Millisecond)
		asks(t, c, "a", late("999ms", "999"))
		time.Sleep(999 * time.Millisecond)
		asks(t, c, "a", ok, late("30s", "30000"))
	})
}

func TestUserRate(t *testing.T) {
	opts := limit.Options{User: username, Events: map[string]limit.Rates{"a": {User: limit.Rate{Events: 2, Per: minute}}}}
	bubble(t, opts, func(t *testing.T, l *limit.Limiter, clients *siotest.Server) {
		minsu, again, jimin, nobody := join(clients, "minsu"), join(clients, "minsu"), join(clients, "jimin"), join(clients, "")
		asks(t, minsu, "a", ok)
		asks(t, again, "a", ok, late("30s", "30000"))
		asks(t, minsu, "a", late("30s", "30000"))
		asks(t, minsu, "b", ok, ok, ok)
		asks(t, jimin, "a", ok, ok, late("30s", "30000"))
		asks(t, nobody, "a", ok, ok, ok, ok)
		minsu.Close() // does not help
		asks(t, join(clients, "minsu"), "a", late("30s", "30000"))
		time.Sleep(30 * time.Second)
		asks(t, again, "a", ok, late("30s", "30000"))
		if got, want := l.Stats(), (limit.Stats{RefusedByUser: 5, Buckets: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestException(t *testing.T) {
	opts := limit.Options{All: limit.Rates{Socket: limit.Rate{Events: 1}}}
	bubble(t, opts, func(t *testing.T, _ *limit.Limiter, clients *siotest.Server) {
		c := join(clients, "")
		for range 3 {
			_ = c.Send(`2/chat,["a"]`)
		}
		const refused = `2/chat,["exception",{"status":"error","code":"rate_limited","message":"too many events, try again in 1s","retryAfterMs":1000,"event":"a"}]`
		c.Want(refused, refused)
		_ = c.Send(`2/chat,["unknown\""]`)
		c.Want(strings.Replace(refused, `"a"`, `"unknown\""`, 1))
	})
}

// TestAddressRate has clients behind a proxy, over the network.
func TestAddressRate(t *testing.T) {
	l := limit.New(limit.Options{
		All:            limit.Rates{Address: limit.Rate{Events: 2, Per: time.Hour}},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	clients := siotest.Listen(t, newServer(t, l))
	from := func(address string) *siotest.Client {
		c := clients.Open(siotest.Options{Header: map[string][]string{"X-Forwarded-For": {address}}})
		c.Join("/chat", "")
		return c
	}
	refused := func(c *siotest.Client, want bool) {
		t.Helper()
		ask(c, "a")
		if got := c.Text(); strings.Contains(got, "rate_limited") != want {
			t.Errorf("got %s, want it refused: %t", got, want)
		}
	}
	a, b := from("192.0.2.1"), from("192.0.2.1")
	refused(a, false)
	refused(b, false)
	refused(a, true)
	refused(from("8.8.8.8, 192.0.2.1"), true) // made up by the client
	refused(from("192.0.2.2"), false)
	if got, want := l.Stats(), (limit.Stats{RefusedByAddress: 2, Buckets: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestManyAtOnce lets sockets of one user race for the tokens of one bucket.
func TestManyAtOnce(t *testing.T) {
	const sockets, each, burst = 8, 50, 100
	opts := limit.Options{User: username, All: limit.Rates{User: limit.Rate{Events: 1, Per: time.Hour, Burst: burst}, Socket: limit.Rate{Events: each}}}
	bubble(t, opts, func(t *testing.T, l *limit.Limiter, clients *siotest.Server) {
		all := make([]*siotest.Client, sockets)
		for i := range all {
			all[i] = join(clients, "minsu")
		}
		done := make(chan struct{})
		for _, c := range all {
			go func() {
				defer func() { done <- struct{}{} }()
				for range each {
					ask(c, "a")
				}
			}()
		}
		let := 0
		for _, c := range all {
			for range each {
				if c.Text() == ok {
					let++
				}
			}
		}
		for range all {
			<-done
		}
		if s := l.Stats(); let != burst || s.RefusedByUser != sockets*each-burst {
			t.Errorf("%d let through, %d refused", let, s.RefusedByUser)
		}
	})
}

// TestOrder holds middleware that is added later not to be reached by what is
// refused.
func TestOrder(t *testing.T) {
	l := limit.New(limit.Options{All: limit.Rates{Socket: limit.Rate{Events: 1, Per: time.Hour}}})
	srv := newServer(t, l)
	reached := make(chan string, 8)
	srv.Of("/chat").UseEvent(func(next socketio.Handler) socketio.Handler {
		return func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
			reached <- e.Name
			return next(ctx, s, e)
		}
	})
	c := siotest.Listen(t, srv).Join("/chat")
	asks(t, c, "a", ok)
	ask(c, "b")
	if got := c.Text(); !strings.Contains(got, limit.CodeRate) || len(reached) != 1 {
		t.Errorf("%s, %d events reached the handlers", got, len(reached))
	}
}
