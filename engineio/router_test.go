package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeRouter has one answer to everything.
type fakeRouter struct {
	reply   PollReply
	err     error
	polls   chan *Poll // what came; has room for all
	relayed chan *Upgrade
}

func (f *fakeRouter) Prefix() string { return "node_1" }

func (f *fakeRouter) Poll(_ context.Context, p *Poll) (*PollReply, error) {
	if p.Post {
		body, err := io.ReadAll(p.Body)
		if err != nil {
			return nil, fmt.Errorf("fake: %w", err)
		}
		p.Body = bytes.NewReader(body)
	}
	f.polls <- p
	return &f.reply, f.err
}

func (f *fakeRouter) Upgrade(context.Context, *Upgrade) error { return f.err }

func (f *fakeRouter) Relay(u *Upgrade, conn net.Conn, _ []byte) {
	_ = conn.Close()
	f.relayed <- u
}

// TestRouter asks for a session of another node, and has the other node answer.
func TestRouter(t *testing.T) {
	const unknown = `{"code":1,"message":"Session ID unknown"}`
	ok := PollReply{Status: 200, Type: "text/plain; charset=UTF-8", Body: []byte("4hello")}
	tests := []struct {
		name, method, query, body string
		reply                     PollReply
		err                       error
		status                    int
		want                      string
		refused                   int // code that OnConnectionError is told, or -1
		asked                     bool
	}{
		{"poll", "GET", "EIO=4&transport=polling", "", ok, nil, 200, "4hello", -1, true},
		{"data", "POST", "EIO=4&transport=polling", "4hello", PollReply{Status: 200, Type: "text/html", Body: []byte("ok")}, nil, 200, "ok", -1, true},
		{"refused there", "GET", "EIO=3&transport=polling", "", PollReply{Refusal: errBadRequest}, nil, 400, `{"code":3,"message":"Bad request"}`, 3, true},
		{"an error there", "POST", "EIO=4&transport=polling", "x", PollReply{Status: 400, Type: "application/json", Body: []byte("{}")}, nil, 400, "{}", -1, true},
		{"nobody", "GET", "EIO=4&transport=polling", "", PollReply{}, errors.New("nobody"), 400, unknown, 1, true},
		{"busy", "GET", "EIO=4&transport=polling", "", PollReply{}, ErrBusy, 503, ErrBusy.Error() + "\n", -1, true},
		{"too large", "POST", "EIO=4&transport=polling", strings.Repeat("4", 101), ok, nil, 413, "", -1, false},
		{"another method", "DELETE", "EIO=4&transport=polling", "", ok, nil, 400, `{"code":3,"message":"Bad request"}`, 3, false},
		{"no upgrade", "GET", "EIO=4&transport=websocket", "", ok, nil, 400, `{"code":3,"message":"Bad request"}`, 3, false},
		{"unknown transport", "GET", "EIO=4&transport=pigeon", "", ok, nil, 400, `{"code":0,"message":"Transport unknown"}`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			router := &fakeRouter{reply: tt.reply, err: tt.err, polls: make(chan *Poll, 1)}
			refused := -1
			s := serve(t, Options{
				Router: router, MaxPayload: 100, CORS: &CORS{Origins: []string{"*"}}, Cookie: &Cookie{},
				Headers:           func(h http.Header, _ *http.Request) { h.Add("X-Hook", "1") },
				InitialHeaders:    func(h http.Header, _ *http.Request) { h.Add("X-Initial", "1") },
				OnConnectionError: func(_ *http.Request, e *ConnectionError) { refused = e.Code },
			})
			r := s.request(tt.method, tt.query+"&sid=node_2AAAAAAAAAAAAAA", "", strings.NewReader(tt.body))
			if r.status != tt.status || r.body != tt.want || refused != tt.refused {
				t.Errorf("got %d %q, refused %d", r.status, r.body, refused)
			}
			if hooked := len(r.header.Values("X-Hook")) == 1; hooked != (r.status == 200) || r.header.Get("X-Initial") != "" || r.header.Get("Set-Cookie") != "" {
				t.Errorf("headers %v", r.header)
			}
			if tt.asked != (len(router.polls) == 1) {
				t.Errorf("%d requests have gone to the other node", len(router.polls))
			}
			if tt.asked {
				p := <-router.polls
				if p.Session != "node_2AAAAAAAAAAAAAA" || p.Post != (tt.method == "POST") {
					t.Errorf("asked %+v", p)
				}
				if p.Post {
					if body, err := io.ReadAll(p.Body); string(body) != tt.body || err != nil {
						t.Errorf("body %q, %v", body, err)
					}
				}
			}
		})
	}
}

// TestRouterCORS holds that pages of other origins can read what comes from other nodes.
func TestRouterCORS(t *testing.T) {
	for _, err := range []error{nil, errors.New("nobody")} {
		router := &fakeRouter{reply: PollReply{Status: 200, Body: []byte("6")}, err: err, polls: make(chan *Poll, 1)}
		s := serve(t, Options{Router: router, CORS: &CORS{}})
		req, _ := http.NewRequest("GET", s.http.URL+"/engine.io/?EIO=4&transport=polling&sid=node_2AAAAAAAAAAAAAA", nil)
		req.Header.Set("Origin", "https://example.com")
		res, err := s.cl.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("status %d: allowed origin %q", res.StatusCode, got)
		}
	}
}

// TestRouterUpgrade asks for an upgrade of a session of another node.
func TestRouterUpgrade(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int // 0: the WebSocket is relayed
	}{
		{"agreed", nil, 0},
		{"refused there", errBadRequest, 400},
		{"nobody", errors.New("nobody"), 400},
		{"busy", ErrBusy, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			router := &fakeRouter{err: tt.err, relayed: make(chan *Upgrade, 1)}
			s := serve(t, Options{Router: router, PerMessageDeflate: &Deflate{}})
			_, err := s.tryDial("EIO=3&b64=1&sid=node_2AAAAAAAAAAAAAA")
			if tt.status != 0 {
				if err == nil || !strings.Contains(err.Error(), http.StatusText(tt.status)) && !strings.Contains(err.Error(), "status") {
					t.Errorf("dial: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Upgrade{Session: "node_2AAAAAAAAAAAAAA", Protocol: 3, Transport: WebSocket, Base64: true}
			if u := await(t, router.relayed, "relay"); *u != want {
				t.Errorf("got %+v, want %+v", *u, want)
			}
		})
	}
}

// TestPrefix holds ids to the router's prefix.
func TestPrefix(t *testing.T) {
	s := serve(t, Options{Router: &fakeRouter{}})
	seen := map[string]bool{}
	for range 100 {
		id := s.poll("EIO=4").session.ID()
		if len(id) != 20 || !strings.HasPrefix(id, "node_1") || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	if err := (Options{Router: longPrefix{}}).Check(); err == nil {
		t.Error("a long prefix is taken")
	}
}

type longPrefix struct{ Router }

func (longPrefix) Prefix() string { return "node_12345" }

// TestRouterSlowPost sends data for a session of another node, and never its end.
func TestRouterSlowPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{Router: &fakeRouter{}, PingInterval: 2 * time.Second, PingTimeout: time.Second})
		c := s.raw()
		c.send("POST /engine.io/?EIO=4&transport=polling&sid=node_2AAAAAAAAAAAAAA HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4")
		began := time.Now()
		if answer := readAll(t, c.r); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("answer %q", answer)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

// TestRefusedSlowPost is refused before it has sent its data, and never does.
func TestRefusedSlowPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{})
		c := s.raw()
		c.send("POST /engine.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4")
		if answer := readAll(t, c.r); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("answer %q", answer)
		}
	})
}
