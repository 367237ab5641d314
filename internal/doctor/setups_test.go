package doctor

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/nginxtest"
)

// A setup is a way to serve Socket.IO, and what the doctor must find in it: these
// findings, and no other.
type setup struct {
	name  string
	build func(t *testing.T) Options
	want  []string
}

func TestHealthy(t *testing.T) {
	examineAll(t, []setup{
		{name: "Damso", build: func(t *testing.T) Options {
			return Options{URL: damso(t, "one", nil) + "/chat"}
		}},
		{name: "Damso, clients 1 and 2", build: func(t *testing.T) Options {
			return Options{URL: damso(t, "one", nil) + "/chat", Protocol: 3}
		}},
		{name: "two nodes of Damso, a cookie", build: func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, damsos(t)...) + "/chat"}
		}},
		{name: "two nodes of Damso, nginx in turn", build: func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades, damsos(t)...) + "/chat"}
		}},
		{name: "two nodes of Damso, connections in turn, clients 1 and 2", build: func(t *testing.T) Options {
			return Options{URL: tcpBalancer(t, damsos(t)...) + "/chat", Protocol: 3}
		}},
		{name: "two nodes of Damso, an event", build: func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, damsos(t)...) + "/chat",
				Emit: `["msgToServer",{"name":"doctor","text":"%token%"}]`, Expect: "msgToClient"}
		}},
		{name: "Node", build: func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", "{}"), Emit: "say", Expect: "heard"}
		}},
		{name: "Node, clients 1 and 2", build: func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", `{"allowEIO3":true}`), Protocol: 3, Emit: "say", Expect: "heard"}
		}},
		{name: "Node of generation 2", build: func(t *testing.T) Options {
			return Options{URL: node(t, "server-2", "{}"), Protocol: 3, Emit: "say", Expect: "heard"}
		}},
		{name: "Node with a password and CORS", build: func(t *testing.T) Options {
			return Options{
				URL: node(t, "server-4", `{"cors":{"origin":"https://page.example","credentials":true}}`, "secret"), Origin: "https://page.example",
				Auth: json.RawMessage(`{"token":"secret"}`), Header: http.Header{"X-Of-Ours": {"1"}},
			}
		}},
		{name: "two of Node on one Redis, a cookie", build: func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, adapted(t)...), Emit: `["say",{"from":"namespace","to":[],"except":[]},"%token%"]`, Expect: "heard"}
		}},
		{name: "two of Node behind nginx, by address", build: func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades, append(nodes(t), "ip_hash")...), Emit: "say", Expect: "heard"}
		}},
		{name: "nginx that buffers", build: func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades+"proxy_buffering on;", node(t, "server-4", "{}"))}
		}},
		{name: "TLS", build: func(t *testing.T) Options {
			a := newAuthority(t)
			return Options{URL: a.secure((&proxy{}).handler(t, node(t, "server-4", "{}")), func(*x509.Certificate, *tls.Config) {}), Roots: a.pool()}
		}},
		{name: "a quick heartbeat, slowly", build: func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades+"proxy_read_timeout 5s;", node(t, "server-4", `{"pingInterval":1000}`)), Slow: true}
		}},
	})
}

func TestNetwork(t *testing.T) {
	secure := func(change func(*x509.Certificate, *tls.Config)) func(*testing.T) Options {
		return func(t *testing.T) Options {
			a := newAuthority(t)
			return Options{URL: a.secure((&proxy{}).handler(t, damso(t, "one", nil)), change), Roots: a.pool()}
		}
	}
	examineAll(t, []setup{
		{"an unknown host", func(*testing.T) Options { return Options{URL: "https://damso-doctor.invalid"} }, []string{"dns"}},
		{"a port where nobody listens", func(t *testing.T) Options { return Options{URL: closedPort(t)} }, []string{"tcp-refused"}},
		{"a certificate for another name", secure(func(c *x509.Certificate, _ *tls.Config) { c.IPAddresses, c.DNSNames = nil, []string{"a.example"} }), []string{"tls-name"}},
		{"a certificate of yesterday", secure(func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = time.Now().Add(-time.Hour) }), []string{"tls-expired"}},
		{"a certificate that ends soon", secure(func(c *x509.Certificate, _ *tls.Config) { c.NotBefore = time.Now().Add(-60 * 24 * time.Hour) }), []string{"tls-expires-soon"}},
		{"an old version of TLS", secure(func(_ *x509.Certificate, c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
		}), []string{"tls-old"}},
		{"a certificate of the client's wanted", secure(func(_ *x509.Certificate, c *tls.Config) {
			c.MaxVersion, c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert
		}), []string{"tls-failed"}},
		{"an authority that nobody knows", func(t *testing.T) Options {
			return Options{URL: newAuthority(t).secure((&proxy{}).handler(t, damso(t, "one", nil)), func(*x509.Certificate, *tls.Config) {})}
		}, []string{"tls-untrusted"}},
		{"a wrong name and expired", secure(func(c *x509.Certificate, _ *tls.Config) { c.IPAddresses, c.NotAfter = nil, time.Now().Add(-time.Hour) }), []string{"tls-expired", "tls-name"}},
		{"https to a port without TLS", func(t *testing.T) Options {
			return Options{URL: strings.Replace(damso(t, "one", nil), "http:", "https:", 1)}
		}, []string{"tls-missing"}},
		{"http to a port with TLS", func(t *testing.T) Options {
			u := newAuthority(t).secure(http.NotFoundHandler(), func(*x509.Certificate, *tls.Config) {})
			return Options{URL: strings.Replace(u, "https:", "http:", 1)}
		}, []string{"https-expected"}},
	})
}

func TestPath(t *testing.T) {
	answer := func(status int, body string, header ...string) func(*testing.T) Options {
		return func(t *testing.T) Options {
			return Options{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}))}
		}
	}
	examineAll(t, []setup{
		{"a wrong path", func(t *testing.T) Options { return Options{URL: damso(t, "one", nil), Path: "/chat/socket.io"} }, []string{"path-not-found"}},
		{"a page for every path", func(t *testing.T) Options { return Options{URL: node(t, "server-4", `{"path":"/elsewhere"}`)} }, []string{"path-html"}},
		{"a redirect", answer(301, "", "Location", "https://a.example/socket.io/"), []string{"http-redirect"}},
		{"another service", answer(200, `{"hello":"world"}`), []string{"not-engine-io"}},
		{"a guard", answer(403, "no"), []string{"handshake-refused"}},
		{"no server behind the proxy", func(t *testing.T) Options { return Options{URL: nginxtest.Start(t, nginxtest.Upgrades, closedPort(t))} }, []string{"no-server"}},
		{"a server that hangs up", func(t *testing.T) Options {
			return Options{URL: serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))}
		}, []string{"http-silent"}},
		{"one of two servers is down", func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, node(t, "server-4", "{}"), closedPort(t), node(t, "server-4", "{}"), node(t, "server-4", "{}"))}
		}, []string{"some-requests-fail"}},
		{"clients 2 at a server 4", func(t *testing.T) Options { return Options{URL: node(t, "server-4", "{}"), Protocol: 3} }, []string{"protocol-mismatch"}},
		{"clients 4 at a server 2", func(t *testing.T) Options { return Options{URL: node(t, "server-2", "{}")} }, []string{"protocol-mismatch"}},
		{"no long-polling", func(t *testing.T) Options { return Options{URL: node(t, "server-4", `{"transports":["websocket"]}`)} }, []string{"polling-disabled"}},
		{"a wrong password", func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", "{}", "secret"), Auth: json.RawMessage(`{"token":"wrong"}`)}
		}, []string{"connect-refused"}},
		{"middleware that says nothing", func(t *testing.T) Options { return Options{URL: node(t, "server-4", "{}") + "/silent"} }, []string{"join-silent"}},
		{"an unknown namespace", func(t *testing.T) Options { return Options{URL: node(t, "server-4", "{}") + "/nowhere"} }, []string{"namespace-unknown"}},
		{"no CORS", func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", "{}"), Origin: "https://page.example"}
		}, []string{"cors"}},
		{"CORS for another", func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", `{"cors":{"origin":"https://other.example"}}`), Origin: "https://page.example"}
		}, []string{"cors"}},
		{"CORS twice", func(t *testing.T) Options {
			p := &proxy{answer: func(r *http.Response) error { r.Header.Add("Access-Control-Allow-Origin", "*"); return nil }}
			return Options{URL: p.start(t, node(t, "server-4", `{"cors":{"origin":"*"}}`)), Origin: "https://page.example"}
		}, []string{"cors"}},
	})
}

func TestCluster(t *testing.T) {
	examineAll(t, []setup{
		{"round robin", func(t *testing.T) Options { return Options{URL: (&proxy{}).start(t, nodes(t)...)} }, []string{"sticky-sessions"}},
		{"nginx round robin", func(t *testing.T) Options { return Options{URL: nginxtest.Start(t, nginxtest.Upgrades, nodes(t)...)} }, []string{"sticky-sessions"}},
		{"connections in turn", func(t *testing.T) Options { return Options{URL: tcpBalancer(t, nodes(t)...)} }, []string{"sticky-sessions"}},
		{"no adapter", func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, nodes(t)...), Emit: "say", Expect: "heard"}
		}, []string{"adapter"}},
		{"no adapter, round robin", func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades, nodes(t)...), Emit: "say", Expect: "heard"}
		}, []string{"adapter", "sticky-sessions"}},
		{"Damso without Redis", func(t *testing.T) Options {
			return Options{URL: (&proxy{sticky: true}).start(t, damso(t, "one", nil), damso(t, "two", nil)) + "/chat"}
		}, []string{"adapter"}},
		{"another event", func(t *testing.T) Options {
			return Options{URL: node(t, "server-4", "{}"), Emit: "say", Expect: "nothing"}
		}, []string{"event-unheard"}},
	})
}

func TestProxies(t *testing.T) {
	isUpgrade := func(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }
	behind := func(p func() *proxy) func(*testing.T) Options {
		return func(t *testing.T) Options { return Options{URL: p().start(t, node(t, "server-4", "{}"))} }
	}
	examineAll(t, []setup{
		{"nginx without upgrades", func(t *testing.T) Options { return Options{URL: nginxtest.Start(t, "", node(t, "server-4", "{}"))} }, []string{"websocket-stripped"}},
		{"nginx without upgrades before Damso", func(t *testing.T) Options { return Options{URL: nginxtest.Start(t, "", damso(t, "one", nil))} }, []string{"websocket-stripped"}},
		{"nginx cuts what is quiet", func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades+"proxy_read_timeout 1s;", node(t, "server-4", "{}")), idle: 3 * time.Second}
		}, []string{"idle-timeout"}},
		{"nginx cuts what is quiet, slowly", func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades+"proxy_read_timeout 1s;", node(t, "server-4", `{"pingInterval":3000}`)), Slow: true}
		}, []string{"idle-timeout"}},
		{"nginx takes little", func(t *testing.T) Options {
			return Options{URL: nginxtest.Start(t, nginxtest.Upgrades+"client_max_body_size 10k;", node(t, "server-4", "{}"))}
		}, []string{"payload-limit"}},
		{"WebSocket forbidden", behind(func() *proxy {
			return &proxy{harm: func(w http.ResponseWriter, r *http.Request) bool {
				if isUpgrade(r) {
					w.WriteHeader(http.StatusForbidden)
				}
				return isUpgrade(r)
			}}
		}), []string{"websocket-blocked"}},
		{"upgrades forbidden", behind(func() *proxy {
			return &proxy{harm: func(w http.ResponseWriter, r *http.Request) bool {
				no := isUpgrade(r) && r.URL.Query().Has("sid")
				if no {
					w.WriteHeader(http.StatusForbidden)
				}
				return no
			}}
		}), []string{"upgrade-fails"}},
		{"WebSocket without frames", behind(func() *proxy {
			return &proxy{harm: func(w http.ResponseWriter, r *http.Request) bool {
				if isUpgrade(r) {
					swallow(w, r)
				}
				return isUpgrade(r)
			}}
		}), []string{"websocket-silent"}},
		{"WebSocket switched off", func(t *testing.T) Options { return Options{URL: node(t, "server-4", `{"transports":["polling"]}`)} }, []string{"websocket-disabled"}},
		{"answers that are held back", behind(func() *proxy {
			return &proxy{answer: func(r *http.Response) error {
				if r.Request.Method == http.MethodGet && r.Request.URL.Query().Has("sid") && r.StatusCode == http.StatusOK {
					time.Sleep(2 * time.Second)
				}
				return nil
			}}
		}), []string{"proxy-buffering"}},
		{"bodies that are held back", behind(func() *proxy {
			return &proxy{answer: func(r *http.Response) error {
				if r.StatusCode == http.StatusOK {
					r.Body = &lateBody{ReadCloser: r.Body, delay: time.Second}
				}
				return nil
			}}
		}), []string{"proxy-buffering"}},
		{"a slow server", behind(func() *proxy {
			return &proxy{harm: func(http.ResponseWriter, *http.Request) bool { time.Sleep(1700 * time.Millisecond); return false }}
		}), []string{"slow-server"}},
		{"a cache", behind(func() *proxy { c := &cache{}; return &proxy{harm: c.serve, answer: c.keep} }), []string{"proxy-caching"}},
		{"a slow heartbeat", func(t *testing.T) Options { return Options{URL: node(t, "server-4", `{"pingInterval":90000}`)} }, []string{"ping-interval"}},
	})
}

// TestSecrets has a server whose certificate is wrong: it gets no request.
func TestSecrets(t *testing.T) {
	asked := make(chan string, 100)
	u := newAuthority(t).secure(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }), func(*x509.Certificate, *tls.Config) {})
	for name, o := range map[string]Options{
		"auth": {Auth: json.RawMessage(`{"token":"secret"}`)}, "header": {Header: http.Header{"Authorization": {"secret"}}}, "query": {Query: url.Values{"token": {"secret"}}},
	} {
		o.URL = u
		report, err := Examine(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Findings) != 1 || report.Findings[0].ID != "tls-untrusted" || len(report.Notes) != 1 || report.Notes[0].ID != "not-trusted" {
			t.Errorf("%s: findings %v, notes %v", name, report.Findings, report.Notes)
		}
	}
	if len(asked) > 0 {
		t.Errorf("it was asked for %s", <-asked)
	}
}

// TestNodesOfDamso has the doctor say who answered.
func TestNodesOfDamso(t *testing.T) {
	report, err := Examine(t.Context(), Options{URL: (&proxy{}).start(t, damsos(t)...), idle: time.Millisecond, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if s := report.Server; len(s.Nodes) != 2 || s.NodesBy != "session-id" {
		t.Errorf("nodes are %q, by %q", s.Nodes, s.NodesBy)
	}
}

// examineAll examines each set-up, and compares the findings.
func examineAll(t *testing.T, setups []setup) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			o := s.build(t)
			if o.idle == 0 {
				o.idle = 500 * time.Millisecond
			}
			if o.Timeout = time.Minute; o.Slow {
				o.Timeout = 3 * time.Minute
			}
			report, err := Examine(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, f := range report.Findings {
				got = append(got, f.ID)
			}
			slices.Sort(got)
			if diff := cmp.Diff(append([]string{}, s.want...), got); diff != "" || report.Healthy != (len(s.want) == 0) {
				text, _ := json.MarshalIndent(report, "", " ")
				t.Errorf("findings, want and got:\n%s\n%s", diff, text)
			}
		})
	}
}

// swallow accepts a WebSocket as a server does, and then reads and says nothing.
func swallow(w http.ResponseWriter, r *http.Request) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn)
}

// A lateBody comes a while after its headers.
type lateBody struct {
	io.ReadCloser
	delay time.Duration
	once  sync.Once
}

// Read implements [io.Reader].
func (b *lateBody) Read(p []byte) (int, error) {
	b.once.Do(func() { time.Sleep(b.delay) })
	return b.ReadCloser.Read(p)
}

// A cache answers every handshake over long-polling with the answer to the first.
type cache struct {
	mu   sync.Mutex
	body []byte
}

func cacheable(r *http.Request) bool {
	q := r.URL.Query()
	return !q.Has("sid") && q.Get("transport") == "polling" && q.Get("EIO") == "4"
}

// serve answers from the cache, if it can.
func (c *cache) serve(w http.ResponseWriter, r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.body == nil || !cacheable(r) {
		return false
	}
	_, _ = w.Write(c.body)
	return true
}

// keep keeps the first answer.
func (c *cache) keep(r *http.Response) error {
	if !cacheable(r.Request) {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body = body
	return err
}
