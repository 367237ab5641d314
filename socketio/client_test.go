package socketio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// library is a part of the client library: a file may be missing, as source maps are
// in some packages.
var library = fstest.MapFS{
	"socket.io.js":         {Data: []byte("/* client */")},
	"socket.io.min.js":     {Data: []byte(strings.Repeat("io();", 1000))},
	"socket.io.min.js.map": {Data: []byte("{}")},
	"package.json":         {Data: []byte("{}")},
}

func TestServeClient(t *testing.T) {
	srv := newServer(t, socketio.Options{Client: library, Engine: engineio.Options{CORS: &engineio.CORS{}}})
	for _, test := range []struct {
		method, path string
		status       int
		contentType  string
	}{
		{"GET", "/socket.io/socket.io.js", 200, "application/javascript; charset=utf-8"},
		{"GET", "/socket.io/socket.io.js?v=2", 200, "application/javascript; charset=utf-8"},
		{"HEAD", "/socket.io/socket.io.min.js", 200, "application/javascript; charset=utf-8"},
		{"GET", "/socket.io/socket.io.min.js.map", 200, "application/json; charset=utf-8"},
		{"GET", "/socket.io/socket.io.js.map", 404, "text/plain; charset=utf-8"},
		{"GET", "/socket.io/socket.io.esm.min.js", 404, "text/plain; charset=utf-8"},
		{"POST", "/socket.io/socket.io.js", 405, "text/plain; charset=utf-8"},
		{"GET", "/socket.io/package.json", 400, "application/json"}, // the engine's
		{"GET", "/socket.io/", 400, "application/json"},
		{"GET", "/socket.io/socket.io.js/", 400, "application/json"},
		{"GET", "/socket.io/?EIO=4&transport=polling", 200, "text/plain; charset=UTF-8"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(test.method, test.path, nil)
			r.Header.Set("Origin", "https://example.com")
			srv.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); w.Code != test.status || got != test.contentType {
				t.Errorf("%d %s, want %d %s", w.Code, got, test.status, test.contentType)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" && test.method != "HEAD" {
				t.Errorf("Access-Control-Allow-Origin: %q", got)
			}
			if got := w.Header().Get("Cache-Control"); w.Code == 200 && strings.Contains(got, "max-age") != strings.Contains(test.path, ".js") {
				t.Errorf("Cache-Control: %q", got)
			}
		})
	}
}

func TestServeClientNotModified(t *testing.T) {
	srv := newServer(t, socketio.Options{Client: library})
	get := func(etag string) *http.Response {
		r := httptest.NewRequest("GET", "/socket.io/socket.io.min.js", nil)
		r.Header.Set("Accept-Encoding", "gzip, deflate, br")
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		return w.Result()
	}
	first := get(`"4.8.4"`)
	body, err := io.ReadAll(first.Body)
	if err != nil || first.StatusCode != 200 || first.Header.Get("Content-Encoding") != "gzip" || len(body) > 1000 {
		t.Errorf("%s, %v, %d bytes, %v", first.Status, first.Header, len(body), err)
	}
	etag := first.Header.Get("ETag")
	for _, e := range []string{etag, "W/" + etag, `"x", ` + etag} {
		if res := get(e); res.StatusCode != 304 {
			t.Errorf("If-None-Match: %s: %s", e, res.Status)
		}
	}
}

func TestServeClientOff(t *testing.T) {
	srv := newServer(t, socketio.Options{})
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/socket.io.js", nil))
	if w.Code != 400 { // the engine's business
		t.Errorf("status %d", w.Code)
	}
	err := socketio.Options{Client: fstest.MapFS{"index.js": {}}}.Check()
	if err == nil || !strings.Contains(err.Error(), "client-dist") {
		t.Errorf("a folder that is not the client: %v", err)
	}
}
