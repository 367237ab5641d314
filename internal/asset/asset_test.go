package asset

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"
)

func TestAcceptsGzip(t *testing.T) {
	tests := map[string]bool{
		"":                       false,
		"gzip":                   true,
		"deflate, GZIP":          true,
		"gzip;q=0":               false,
		"gzip; q=0.0, br":        false,
		"gzip; q=0.5":            true,
		"gzip;q=x":               false,
		"br, x-gzip":             false,
		"br;q=1.0, gzip;level=9": true,
	}
	for header, want := range tests {
		if got := acceptsGzip(header); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
}

// A file is served as it is or gzipped, each with its own ETag.
func TestServe(t *testing.T) {
	content := bytes.Repeat([]byte("let x = 1;\n"), 100)
	a := New("a.js", content)
	etags := map[string]bool{}
	for _, encoding := range []string{"", "gzip"} {
		r := httptest.NewRequest("GET", "/a.js", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		var body io.Reader = w.Body
		if encoding != "" {
			var err error
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%q: %d bytes, %v", encoding, len(got), err)
		}
		etag := w.Header().Get("ETag")
		etags[etag] = true
		r.Header.Set("If-None-Match", etag)
		w = httptest.NewRecorder()
		if a.ServeHTTP(w, r); w.Code != 304 || w.Body.Len() > 0 {
			t.Errorf("%q: status %d with %d bytes, want 304", encoding, w.Code, w.Body.Len())
		}
	}
	if len(etags) != 2 {
		t.Errorf("ETags %v", etags)
	}
}

func TestContentTypes(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "a.js": "text/javascript; charset=utf-8", "a.js.map": "application/json; charset=utf-8",
		"a.png": "image/png", "a": "application/octet-stream", "a.exe": "application/octet-stream",
	} {
		if got := New(name, nil).ContentType; got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
