package limit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/limit"
)

// request is a handshake from an address.
func request(remote string, forwarded ...string) *http.Request {
	r := httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling", nil)
	r.RemoteAddr = remote
	if forwarded != nil {
		r.Header["X-Forwarded-For"] = forwarded
	}
	return r
}

func TestSessionsPerAddress(t *testing.T) {
	l := limit.New(limit.Options{SessionsPerAddress: 2})
	srv := newServer(t, l)
	clients := siotest.Listen(t, srv)
	// Some join a namespace, some never do.
	polling, idle := clients.Open(siotest.Options{Polling: true}), clients.Open(siotest.Options{})
	polling.Join("/chat", "")
	for _, o := range []siotest.Options{{}, {Protocol: 3}} {
		if _, err := clients.TryOpen(o); err == nil {
			t.Fatalf("%+v: a third one was let in", o)
		}
	}
	status, body, err := clients.Get("/socket.io/?EIO=4&transport=polling")
	if err != nil || status != http.StatusForbidden || body != `{"code":4,"message":"too many connections from this address"}` {
		t.Errorf("%d %s, %v", status, body, err)
	}
	if got, want := l.Stats(), (limit.Stats{RefusedSessions: 3, Addresses: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	idle.Close()
	var again *siotest.Client
	for deadline := time.Now().Add(20 * time.Second); again == nil; { // until the server knows
		if again, err = clients.TryOpen(siotest.Options{}); err != nil && time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); l.Stats().Addresses > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d addresses are left", l.Stats().Addresses)
		}
	}
}

func TestRelease(t *testing.T) {
	l := limit.New(limit.Options{SessionsPerAddress: 1})
	release, err := l.Admit(request("192.0.2.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Admit(request("192.0.2.1:2")); err == nil {
		t.Error("a second one was let in")
	}
	if _, err := l.Admit(request("192.0.2.2:1")); err != nil {
		t.Error(err)
	}
	release()
	release() // counts once
	if _, err := l.Admit(request("192.0.2.1:3")); err != nil {
		t.Error(err)
	}
	if _, err := l.Admit(request("192.0.2.1:4")); err == nil {
		t.Error("a second one was let in")
	}
	for range 10 { // over a Unix socket
		if _, err := l.Admit(request("@")); err != nil {
			t.Error(err)
		}
	}
}

func TestHandshakesPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{HandshakesPerAddress: limit.Rate{Events: 60, Per: time.Minute, Burst: 5}, SessionsPerAddress: 100})
		try := func(address string, want int) {
			t.Helper()
			n := 0
			for range 10 {
				release, err := l.Admit(request(address))
				if err == nil {
					release()
					n++
				}
			}
			if n != want {
				t.Errorf("%d of 10 were let in, want %d", n, want)
			}
		}
		try("192.0.2.1:1", 5)
		try("192.0.2.1:1", 0)
		try("192.0.2.2:1", 5)
		time.Sleep(3 * time.Second)
		try("192.0.2.1:1", 3)
		if got, want := l.Stats(), (limit.Stats{RefusedHandshakes: 27, Buckets: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// TestWhoIsWho holds Admit to tell addresses apart, and to believe nobody but the
// trusted proxies. Two requests that are the same one to it share a limit of one.
func TestWhoIsWho(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	tests := []struct {
		name    string
		proxies []netip.Prefix
		a, b    *http.Request
		same    bool
	}{
		{"ports", nil, request("192.0.2.1:1"), request("192.0.2.1:2"), true},
		{"addresses", nil, request("192.0.2.1:1"), request("192.0.2.2:1"), false},
		{"one network of IPv6", nil, request("[2001:db8::1]:1"), request("[2001:db8::ffff:2]:1"), true},
		{"two networks of IPv6", nil, request("[2001:db8::1]:1"), request("[2001:db8:0:1::1]:1"), false},
		{"IPv4 in IPv6", nil, request("192.0.2.1:1"), request("[::ffff:192.0.2.1]:1"), true},
		{"two IPv4 in IPv6", nil, request("[::ffff:192.0.2.2]:1"), request("[::ffff:192.0.2.1]:1"), false},
		{"zones", nil, request("[fe80::1%eth0]:1"), request("[fe80::1%eth1]:1"), true},
		{"nobody is trusted", nil, request("192.0.2.1:1", "1.1.1.1"), request("192.0.2.1:1", "2.2.2.2"), true},
		{"no proxy", proxies, request("192.0.2.1:1", "1.1.1.1"), request("192.0.2.1:1", "2.2.2.2"), true},
		{"proxy", proxies, request("10.0.0.1:1", "1.1.1.1"), request("10.0.0.1:1", "2.2.2.2"), false},
		{"two proxies for one client", proxies, request("10.0.0.1:1", "1.1.1.1"), request("10.0.0.2:1", "1.1.1.1"), true},
		{"proxy in IPv6", proxies, request("[2001:db8:ffff::1]:1", "1.1.1.1"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"a client without a proxy", proxies, request("1.1.1.1:1"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"made up by the client", proxies, request("10.0.0.1:1", "8.8.8.8, 1.1.1.1"), request("10.0.0.1:1", "9.9.9.9,1.1.1.1"), true},
		{"made up, a header of its own", proxies, request("10.0.0.1:1", "8.8.8.8", "1.1.1.1"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"made up, a trusted one", proxies, request("10.0.0.1:1", "10.9.9.9, 1.1.1.1"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"chain of proxies", proxies, request("10.0.0.1:1", "1.1.1.1, 10.0.0.2"), request("10.0.0.1:1", "2.2.2.2, 10.0.0.2"), false},
		{"with a port", proxies, request("10.0.0.1:1", "1.1.1.1:44"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"IPv6 with a port", proxies, request("10.0.0.1:1", "[2001:db8::1]:44"), request("10.0.0.1:1", "2001:db8::1"), true},
		{"IPv6 in brackets", proxies, request("10.0.0.1:1", "[2001:db8::1]"), request("10.0.0.1:1", "2001:db8::1"), true},
		{"nonsense", proxies, request("10.0.0.1:1", "unknown"), request("10.0.0.1:1", "_hidden"), true},
		{"nonsense before", proxies, request("10.0.0.1:1", "x, 1.1.1.1"), request("10.0.0.1:1", "1.1.1.1"), true},
		{"empty", proxies, request("10.0.0.1:1", ""), request("10.0.0.1:1"), true},
		{"commas", proxies, request("10.0.0.1:1", ",,1.1.1.1"), request("10.0.0.1:1", "1.1.1.1"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := limit.New(limit.Options{SessionsPerAddress: 1, TrustedProxies: test.proxies})
			if _, err := l.Admit(test.a); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Admit(test.b); (err != nil) != test.same {
				t.Errorf("%v, want the same: %t", err, test.same)
			}
		})
	}
}

// TestMemory holds the buckets of a great many addresses to be bounded, and to go
// when they are full again.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{HandshakesPerAddress: limit.Rate{Events: 10}, MaxBuckets: 1000})
		rush := func(net, n int) {
			for i := range n {
				_, _ = l.Admit(request(fmt.Sprintf("10.%d.%d.%d:1", net, i/256, i%256)))
			}
		}
		rush(1, 5000)
		if s := l.Stats(); s.Buckets != 1000 || s.Evicted != 4000 {
			t.Errorf("%d buckets, %d evicted", s.Buckets, s.Evicted)
		}
		time.Sleep(time.Second)
		rush(2, 1000)
		if s := l.Stats(); s.Buckets != 1000 || s.Evicted != 4000 {
			t.Errorf("a second later: %d buckets, %d evicted", s.Buckets, s.Evicted)
		}
		time.Sleep(time.Second)
		for range 1000 {
			time.Sleep(time.Second)
			rush(3, 1)
		}
		for i := range 600 {
			rush(4+i%2, 1)
			time.Sleep(time.Second)
		}
		if s := l.Stats(); s.Buckets > 3 {
			t.Errorf("%d buckets are left of a rush", s.Buckets)
		}
	})
}

func TestCheck(t *testing.T) {
	one := limit.Rate{Events: 1}
	tests := []struct {
		name string
		opts limit.Options
		ok   bool
	}{
		{"nothing", limit.Options{}, true},
		{"rates", limit.Options{All: limit.Rates{Socket: one, Address: one}}, true},
		{"users", limit.Options{All: limit.Rates{User: one}, User: username}, true},
		{"users unknown", limit.Options{All: limit.Rates{User: one}}, false},
		{"users unknown, one event", limit.Options{Events: map[string]limit.Rates{"a": {User: one}}}, false},
		{"sockets of nobody", limit.Options{SocketsPerUser: 1}, false},
		{"negative rate", limit.Options{All: limit.Rates{Socket: limit.Rate{Events: -1}}}, false},
		{"negative time", limit.Options{Events: map[string]limit.Rates{"a": {Socket: limit.Rate{Events: 1, Per: -1}}}}, false},
		{"burst of nothing", limit.Options{HandshakesPerAddress: limit.Rate{Burst: 1}}, false},
		{"negative number", limit.Options{SessionsPerAddress: -1}, false},
		{"bits", limit.Options{IPv6Prefix: 129}, false},
		{"no prefix", limit.Options{TrustedProxies: make([]netip.Prefix, 1)}, false},
		{"fast", limit.Options{HandshakesPerAddress: limit.Rate{Events: 1 << 62, Per: 1}}, true},
		{"slow and great", limit.Options{All: limit.Rates{Socket: limit.Rate{Events: 1, Per: 1 << 62, Burst: 1 << 62}}}, true},
	}
	for _, test := range tests {
		if err := test.opts.Check(); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.ok {
			l := limit.New(test.opts)
			for range 3 {
				if _, err := l.Admit(request("192.0.2.1:1")); err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
			}
		}
	}
}
