package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/damso/damso/internal/testenv"
)

// built is a site as Vite leaves it.
var built = fstest.MapFS{
	"index.html":            {Data: []byte("<!doctype html><title>chat</title>")},
	"favicon.svg":           {Data: []byte("<svg/>")},
	"assets/index-abc12.js": {Data: bytes.Repeat([]byte("let x = 1;\n"), 100)},
}

func request(t *testing.T, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func site(t *testing.T, files fstest.MapFS) http.Handler {
	t.Helper()
	h, err := builtIn(files)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSite(t *testing.T) {
	const immutable = "public, max-age=31536000, immutable"
	h := site(t, built)
	tests := []struct {
		method, path string
		status       int
		contentType  string
		cache        string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/index.html", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/?room=1", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/favicon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/assets/index-abc12.js", 200, "text/javascript; charset=utf-8", immutable},
		{"GET", "/assets", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/index-other.js", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/../page.go", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"DELETE", "/assets/index-abc12.js", 405, "text/plain; charset=utf-8", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			resp := request(t, h, tt.method, tt.path)
			if resp.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if got := resp.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type = %q, want %q", got, tt.contentType)
			}
			if got := resp.Header.Get("Cache-Control"); got != tt.cache {
				t.Errorf("Cache-Control = %q, want %q", got, tt.cache)
			}
			if tt.method == "HEAD" && text(t, resp) != "" {
				t.Error("HEAD has a body")
			}
			if tt.status == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow = %q", resp.Header.Get("Allow"))
			}
		})
	}
}

func TestSiteSecurityHeaders(t *testing.T) {
	h := site(t, built)
	for _, path := range []string{"/", "/favicon.svg", "/missing"} {
		resp := request(t, h, "GET", path)
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: Content-Security-Policy = %q", path, csp)
		}
		if got := resp.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options = %q", path, got)
		}
		if got := resp.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy = %q", path, got)
		}
	}
}

func TestSiteCompression(t *testing.T) {
	h := site(t, built)
	const path = "/assets/index-abc12.js"
	want := string(built["assets/index-abc12.js"].Data)

	plain := request(t, h, "GET", path)
	if got := text(t, plain); got != want {
		t.Errorf("plain body has %d bytes, want %d", len(got), len(want))
	}
	packed := request(t, h, "GET", path, "Accept-Encoding", "br;q=1.0, gzip;q=0.8")
	if got := packed.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding = %q, want gzip", got)
	}
	zr, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(zr); err != nil || string(got) != want {
		t.Errorf("gzipped body differs (error %v)", err)
	}
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("the plain and the gzipped form share an ETag")
	}
	for _, resp := range []*http.Response{plain, packed} {
		if got := resp.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("Vary = %q", got)
		}
	}
}

func TestSiteNotModified(t *testing.T) {
	h := site(t, built)
	for _, encoding := range []string{"", "gzip"} {
		etag := request(t, h, "GET", "/", "Accept-Encoding", encoding).Header.Get("ETag")
		resp := request(t, h, "GET", "/", "Accept-Encoding", encoding, "If-None-Match", etag)
		if resp.StatusCode != http.StatusNotModified || text(t, resp) != "" {
			t.Errorf("Accept-Encoding %q: status = %d, want 304 without a body", encoding, resp.StatusCode)
		}
	}
}

func TestNotBuilt(t *testing.T) {
	resp := request(t, site(t, fstest.MapFS{}), "GET", "/")
	if body := text(t, resp); resp.StatusCode != 200 || !strings.Contains(body, "make build") {
		t.Errorf("status %d, body %q", resp.StatusCode, body)
	}
}

// The embedded folder is served whether or not the page was built.
func TestHandlerZeroOptions(t *testing.T) {
	h, err := Handler(Options{})
	if err != nil {
		t.Fatal(err)
	}
	resp := request(t, h, "GET", "/")
	if body := text(t, resp); resp.StatusCode != 200 || !strings.Contains(body, "Damso") {
		t.Errorf("status %d, body %q", resp.StatusCode, body)
	}
}

// The client library is there whole, or not at all.
func TestClient(t *testing.T) {
	files := Client()
	if files == nil {
		testenv.Missing(t, "the client library was not built: make build")
	}
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"} {
		for _, name := range []string{name, name + ".map"} {
			if info, err := fs.Stat(files, name); err != nil || info.Size() < 10_000 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	}
}
