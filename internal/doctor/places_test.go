package doctor

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/chat"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// serve serves h on the loopback until the test ends, and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // clients go without a word
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

// damso serves the chat.
func damso(t *testing.T, name string, a adapter.Adapter) string {
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := socketio.NewServer(socketio.Options{Adapter: a, Logger: logger})
	t.Cleanup(func() { _ = srv.Close() })
	chat.Register(srv, chat.Options{Node: name, Logger: logger})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	return serve(t, mux)
}

// damsos are two nodes of one cluster.
func damsos(t *testing.T) []string {
	bus := &memory.Bus{}
	return []string{damso(t, "one", bus.Node()), damso(t, "two", bus.Node())}
}

// node is a plain Node server.
func node(t *testing.T, version, options string, password ...string) string {
	var ready struct{ URL string }
	testkit.Node(t, testkit.Script{Path: "../../test/cluster/plain.js", Args: append([]string{version, options}, password...)}).Expect(&ready)
	return ready.URL
}

// nodes are two plain Node servers, which know nothing of each other.
func nodes(t *testing.T) []string {
	return []string{node(t, "server-4", "{}"), node(t, "server-4", "{}")}
}

// adapted are two Node servers on one Redis.
func adapted(t *testing.T) (urls []string) {
	broker := redistest.Start(t)
	for range 2 {
		var ready struct{ URL string }
		testkit.Node(t, testkit.Script{
			Path: "../../test/cluster/node-4.js", Args: []string{broker.Host(), strconv.Itoa(broker.Port())},
		}).Expect(&ready)
		urls = append(urls, ready.URL)
	}
	return urls
}

// A proxy passes requests on, and may do harm before.
type proxy struct {
	backends []*url.URL
	next     atomic.Uint64
	sticky   bool // by a cookie
	// harm may answer in the server's place, by returning true.
	harm func(w http.ResponseWriter, r *http.Request) bool
	// answer may change an answer.
	answer func(*http.Response) error
}

// start serves the proxy before the backends, in turn.
func (p *proxy) start(t *testing.T, backends ...string) string {
	return serve(t, p.handler(t, backends...))
}

func (p *proxy) handler(t *testing.T, backends ...string) http.Handler {
	t.Helper()
	for _, b := range backends {
		u, err := url.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		p.backends = append(p.backends, u)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	reverse := &httputil.ReverseProxy{
		Transport:      transport,
		FlushInterval:  -1,
		ErrorLog:       log.New(io.Discard, "", 0),
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(p.backends[p.choose(r.In)]); r.Out.Host = r.In.Host },
		ModifyResponse: p.modify,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.harm == nil || !p.harm(w, r) {
			reverse.ServeHTTP(w, r)
		}
	})
}

func (p *proxy) choose(r *http.Request) int {
	if c, err := r.Cookie("server"); err == nil && p.sticky {
		if i, err := strconv.Atoi(c.Value); err == nil && i < len(p.backends) {
			return i
		}
	}
	return int(p.next.Add(1) % uint64(len(p.backends)))
}

func (p *proxy) modify(resp *http.Response) error {
	if p.sticky {
		for i, b := range p.backends {
			if b.Host == resp.Request.URL.Host {
				resp.Header.Add("Set-Cookie", fmt.Sprintf("server=%d; Path=/", i))
			}
		}
	}
	if p.answer != nil {
		return p.answer(resp)
	}
	return nil
}

// tcpBalancer spreads connections, not requests, over backends in turn.
func tcpBalancer(t *testing.T, backends ...string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		open = append(open, c)
	}
	all.Go(func() {
		for i := 0; ; i++ {
			in, err := l.Accept()
			if err != nil {
				return
			}
			keep(in)
			out, err := net.Dial("tcp", strings.TrimPrefix(backends[i%len(backends)], "http://"))
			if err != nil {
				in.Close()
				continue
			}
			keep(out)
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				all.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					pair[0].Close()
					pair[1].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
