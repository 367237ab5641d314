package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestContentCoding(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                "",
		"identity":                        "",
		"br":                              "",
		"gzip":                            "gzip",
		"GZIP":                            "gzip",
		"deflate":                         "deflate",
		"gzip, deflate, br":               "gzip",
		"deflate, gzip":                   "deflate",
		"deflate;q=0.5, gzip;q=0.8":       "gzip",
		"gzip;q=0":                        "",
		"gzip;q=0, deflate;q=0.1":         "deflate",
		"gzip;q=x":                        "",
		"gzip;q=2":                        "",
		"gzip;q=NaN":                      "",
		"gzip;level=9;q=0.4, deflate;q=1": "deflate",
		"*":                               "gzip",
		"*;q=0.1":                         "gzip",
		"*;q=0":                           "",
		"gzip;q=0, *":                     "deflate",
		"gzip;q=0.2, *;q=0.5":             "deflate",
		",;,=;q":                          "",
	} {
		if got := contentCoding(accept); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

// TestHTTPCompression holds what is compressed and what is not.
func TestHTTPCompression(t *testing.T) {
	long, short := strings.Repeat("담소 ", 500), "hello"
	for _, c := range []struct {
		name, accept, want string
		opts               Options
		message            *Message
	}{
		{"gzip", "gzip", "gzip", Options{}, text(long)},
		{"deflate", "deflate", "deflate", Options{}, text(long)},
		{"client does not", "br", "", Options{}, text(long)},
		{"short", "gzip", "", Options{}, text(short)},
		{"lower threshold", "gzip", "gzip", Options{HTTPThreshold: 3}, text(short)},
		{"not wanted", "gzip", "", Options{}, text(long).NoCompress()},
		{"off", "gzip", "", Options{NoHTTPCompression: true}, text(long)},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := serve(t, c.opts).poll("EIO=4")
			client.session.Send(c.message)
			req := httptest.NewRequest("GET", "/engine.io/?"+client.query, nil)
			req.Header.Set("Accept-Encoding", c.accept)
			w := httptest.NewRecorder()
			client.srv.ServeHTTP(w, req)
			if got := w.Header().Get("Content-Encoding"); got != c.want {
				t.Fatalf("Content-Encoding %q, want %q", got, c.want)
			}
			if got, want := decoded(t, c.want, w.Body), "4"+string(c.message.text()); got != want {
				t.Errorf("body %.40q, want %.40q", got, want)
			}
		})
	}
}

func decoded(t *testing.T, coding string, body *bytes.Buffer) string {
	t.Helper()
	var r io.Reader = body
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(body)
	case "deflate":
		r, err = zlib.NewReader(body)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCookie(t *testing.T) {
	for _, c := range []struct {
		cookie *Cookie
		want   string
	}{
		{nil, ""},
		{&Cookie{}, "io=SID; Path=/; HttpOnly; SameSite=Lax"},
		{
			&Cookie{"sio", "/chat", "example.com", time.Hour, http.SameSiteNoneMode, true, true, true},
			"sio=SID; Path=/chat; Domain=example.com; Max-Age=3600; Secure; SameSite=None; Partitioned",
		},
	} {
		client := serve(t, Options{Cookie: c.cookie})
		r := client.request("GET", "EIO=4&transport=polling", "", nil)
		sid := sidOf(t, r.body)
		if got, want := r.header.Get("Set-Cookie"), strings.Replace(c.want, "SID", sid, 1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		r = client.request("POST", "EIO=4&transport=polling&sid="+sid, "text/plain", strings.NewReader("4a"))
		if got := r.header.Get("Set-Cookie"); got != "" {
			t.Errorf("a POST sets %q", got)
		}
	}
}

// TestHeaderHooks holds which answers the hooks see.
func TestHeaderHooks(t *testing.T) {
	s := serve(t, Options{
		InitialHeaders: func(h http.Header, r *http.Request) { h.Set("X-Initial", r.Method) },
		Headers: func(h http.Header, r *http.Request) {
			h.Set("X-Each", h.Get("X-Initial")+r.Method)
			h.Set("Cache-Control", "private") // the last word is theirs
		},
	})
	want := func(h http.Header, initial, each string) {
		t.Helper()
		if h.Get("X-Initial") != initial || h.Get("X-Each") != each || each != "" && h.Get("Cache-Control") != "private" {
			t.Errorf("%v, want X-Initial %q, X-Each %q", h, initial, each)
		}
	}
	r := s.request("GET", "EIO=4&transport=polling", "", nil)
	want(r.header, "GET", "GETGET")
	query := "EIO=4&transport=polling&sid=" + sidOf(t, r.body)
	want(s.request("POST", query, "text/plain", strings.NewReader("4a")).header, "", "POST")
	await(t, s.opened, "session").session.Send(text("b"))
	want(s.request("GET", query, "", nil).header, "", "GET")
	want(s.request("GET", "EIO=4&transport=tobi", "", nil).header, "", "")

	conn := s.raw()
	conn.send("GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	res, err := http.ReadResponse(conn.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	want(res.Header, "GET", "GETGET")
}

func TestXSSProtectionOfOldBrowsers(t *testing.T) {
	s := serve(t, Options{})
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko": "0",
		"Mozilla/5.0 (compatible;MSIE 9.0; Windows NT 6.1)":             "0",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101":      "",
	} {
		req := httptest.NewRequest("GET", "/engine.io/?EIO=3&transport=polling", nil)
		req.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		s.srv.ServeHTTP(w, req)
		if got := w.Header().Get("X-XSS-Protection"); got != want {
			t.Errorf("%s: %q, want %q", agent, got, want)
		}
	}
}

func TestOnConnectionError(t *testing.T) {
	forbidden, full := errors.New("Thou shall not pass"), errors.New("full")
	told := make(chan *ConnectionError, 1)
	s := serve(t, Options{
		NoEIO3: true,
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Has("refuse") {
				return forbidden
			}
			return nil
		},
		Admit: func(r *http.Request) (func(), error) {
			if r.URL.Query().Has("full") {
				return nil, full
			}
			return nil, nil
		},
		OnConnectionError: func(_ *http.Request, err *ConnectionError) { told <- err },
	})
	sid := sidOf(t, s.request("GET", "EIO=4&transport=polling", "", nil).body)
	for _, c := range []struct {
		method, query string
		want          ConnectionError
	}{
		{"GET", "EIO=4&transport=tobi", ConnectionError{0, "Transport unknown", map[string]any{"transport": "tobi"}, nil}},
		{"GET", "EIO=4&transport=polling&sid=x", ConnectionError{1, "Session ID unknown", map[string]any{"sid": "x"}, nil}},
		{"PUT", "EIO=4&transport=polling", ConnectionError{2, "Bad handshake method", map[string]any{"method": "PUT"}, nil}},
		{"GET", "EIO=4&transport=websocket", ConnectionError{3, "Bad request", map[string]any{"name": "TRANSPORT_HANDSHAKE_ERROR"}, nil}},
		{"GET", "EIO=4&transport=websocket&sid=" + sid, ConnectionError{3, "Bad request", map[string]any{"name": "TRANSPORT_MISMATCH", "transport": "websocket", "previousTransport": "polling"}, nil}},
		{"GET", "EIO=3&transport=polling&sid=" + sid, ConnectionError{3, "Bad request", map[string]any{"name": "PROTOCOL_MISMATCH", "protocol": 3, "previousProtocol": 4}, nil}},
		{"GET", "EIO=4&transport=polling&refuse", ConnectionError{4, "Thou shall not pass", nil, forbidden}},
		{"GET", "EIO=4&transport=polling&full", ConnectionError{4, "full", nil, full}},
		{"GET", "EIO=3&transport=polling", ConnectionError{5, "Unsupported protocol version", map[string]any{"protocol": 3}, nil}},
	} {
		r := s.request(c.method, c.query, "", nil)
		got := await(t, told, c.query)
		if got.Code != c.want.Code || got.Message != c.want.Message || !maps.Equal(got.Context, c.want.Context) || got.Err != c.want.Err {
			t.Errorf("%s: told %+v, want %+v", c.query, got, c.want)
		}
		if !strings.Contains(r.body, c.want.Message) || strings.Contains(strings.ToLower(r.body), "context") {
			t.Errorf("%s: the client is told %s", c.query, r.body)
		}
	}
}

// TestPaths holds how a mux serves clients with and without addTrailingSlash.
func TestPaths(t *testing.T) {
	s := serve(t, Options{})
	mux := http.NewServeMux()
	mux.Handle("/engine.io", s.srv)
	mux.Handle("/engine.io/", s.srv)
	for _, path := range []string{"/engine.io", "/engine.io/", "/engine.io/default/"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path+"?EIO=4&transport=polling", nil))
		if w.Code != 200 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, opts := range []Options{
		{HTTPThreshold: -1},
		{Cookie: &Cookie{Name: "a b"}},
		{Cookie: &Cookie{Path: "/;"}},
		{Cookie: &Cookie{MaxAge: -time.Second}},
		{Cookie: &Cookie{MaxAge: time.Millisecond}},
		{Cookie: &Cookie{SameSite: http.SameSiteNoneMode}},
		{Cookie: &Cookie{Partitioned: true}},
	} {
		if opts.Check() == nil {
			t.Errorf("%+v is accepted", opts)
		}
	}
}
