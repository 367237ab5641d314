package engineio

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestCORSCheck(t *testing.T) {
	for _, tt := range []struct {
		cors CORS
		ok   bool
	}{
		{CORS{}, true},
		{CORS{Origins: []string{"*"}}, true},
		{CORS{Origins: []string{"https://example.com"}, Credentials: true}, true},
		{CORS{Origins: []string{"https://*.example.com"}, Credentials: true}, true},
		{CORS{Credentials: true}, false},
		{CORS{Origins: []string{"https://example.com", "*"}, Credentials: true}, false},
		{CORS{Origins: []string{"https://*"}, Credentials: true}, false},
		{CORS{Origins: []string{"http*"}, Credentials: true}, false},
		{CORS{Origins: []string{"https://example.*"}, Credentials: true}, false},
	} {
		if err := (Options{CORS: &tt.cors}).Check(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.cors, err)
		}
	}
}

func TestOptionsCheck(t *testing.T) {
	for _, tt := range []struct {
		opts Options
		want string // in the error
	}{
		{Options{}, ""},
		{Options{Transports: []string{"websocket"}}, ""},
		{Options{Transports: []string{"websocket", "tobi"}}, `"tobi"`},
		{Options{PingInterval: -1}, "negative"},
		{Options{PingTimeout: -1}, "negative"},
		{Options{UpgradeTimeout: -1}, "negative"},
		{Options{MaxPayload: -1}, "negative"},
		{Options{MaxBuffer: -1}, "negative"},
	} {
		err := tt.opts.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.opts, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("NewServer takes options that Check refuses")
		}
	}()
	NewServer(newPeers(), Options{MaxBuffer: -1})
}

// send sends a request with headers and returns the status and headers of the answer.
func (s *site) send(method, query, body string, header ...string) (int, http.Header) {
	s.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, s.http.URL+"/engine.io/?"+query, r)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.cl.Transport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Header
}

// The headers are on every answer: a page could not read an error without them.
func TestCORSHeaders(t *testing.T) {
	const origin = "https://example.com"
	s := serve(t, Options{MaxPayload: 100, CORS: &CORS{Origins: []string{origin}, Credentials: true}})
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	c := s.poll("EIO=4")
	for _, tt := range []struct {
		name, method, query, body string
		header                    []string
		status                    int
	}{
		{"handshake", "GET", "EIO=4&transport=polling", "", nil, 200},
		{"unknown transport", "GET", "transport=tobi", "", nil, 400},
		{"unknown session", "POST", "EIO=4&transport=polling&sid=x", "4a", nil, 400},
		{"POST", "POST", c.query, "4a", nil, 200},
		{"too large", "POST", c.query, "4" + strings.Repeat("a", 100), nil, 413},
		{"upgrade", "GET", "EIO=4&transport=websocket", "", upgrade, 101},
		{"upgrade without key", "GET", "EIO=4&transport=websocket", "", upgrade[:6], 400},
		{"upgrade of an unknown session", "GET", "EIO=4&transport=websocket&sid=x", "", upgrade, 400},
		{"malformed POST", "POST", c.query, "x", nil, 400},
	} {
		status, h := s.send(tt.method, tt.query, tt.body, append([]string{"Origin", origin}, tt.header...)...)
		if status != tt.status || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", tt.name, status, h)
		}
	}

	_, h := s.send("GET", "EIO=4&transport=polling", "", "Origin", "https://evil.example")
	if h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", h)
	}

	go s.srv.Shutdown(t.Context())
	eventually(t, "closing", s.srv.Closing)
	status, h := s.send("GET", "EIO=4&transport=polling", "", "Origin", origin)
	if status != 503 || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Retry-After") == "" {
		t.Errorf("shutting down: %d %v", status, h)
	}
}

func TestCORSPreflight(t *testing.T) {
	s := serve(t, Options{CORS: &CORS{Headers: []string{"X-Token"}, MaxAge: time.Hour}})
	for _, tt := range []struct {
		method, headers string
		ok              bool
	}{{"POST", "content-type", true}, {"GET", "x-token", true}, {"POST", "content-type,x-token", true}, {"PUT", "", false}, {"GET", "x-other", false}} {
		status, h := s.send("OPTIONS", "EIO=4&transport=polling", "", "Origin", "https://a.example",
			"Access-Control-Request-Method", tt.method, "Access-Control-Request-Headers", tt.headers)
		if ok := h.Get("Access-Control-Allow-Origin") == "*"; status != 204 || ok != tt.ok || ok && h.Get("Access-Control-Max-Age") != "3600" {
			t.Errorf("%+v: %d %v", tt, status, h)
		}
	}
	if n := s.srv.Sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// Without the option, nothing about origins is said.
func TestNoCORS(t *testing.T) {
	s := serve(t, Options{})
	_, h := s.send("GET", "EIO=4&transport=polling", "", "Origin", "https://a.example")
	for name := range h {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
}
