package page

import (
	"testing"
	"testing/fstest"
)

var bundle = fstest.MapFS{
	"VERSION":              {Data: []byte("4.8.4\n")},
	"socket.io.js":         {Data: []byte("/* client */")},
	"socket.io.min.js.map": {Data: []byte("{}")},
}

// The headers are those of socket.io 4.8.4, Server.serve in dist/index.js.
func TestClientBundle(t *testing.T) {
	h := clientBundle(bundle)
	tests := []struct {
		method, path string
		status       int
		contentType  string
	}{
		{"GET", "/socket.io/socket.io.js", 200, "application/javascript; charset=utf-8"},
		{"GET", "/socket.io/socket.io.js?v=2", 200, "application/javascript; charset=utf-8"},
		{"HEAD", "/socket.io/socket.io.js", 200, "application/javascript; charset=utf-8"},
		{"GET", "/socket.io/socket.io.min.js.map", 200, "application/json; charset=utf-8"},
		{"GET", "/socket.io/socket.io.min.js", 404, "text/plain; charset=utf-8"}, // not in this build
		{"GET", "/socket.io/VERSION", 404, "text/plain; charset=utf-8"},
		{"GET", "/socket.io/", 404, "text/plain; charset=utf-8"},
		{"POST", "/socket.io/socket.io.js", 405, "text/plain; charset=utf-8"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			resp := request(t, h, tt.method, tt.path)
			if resp.StatusCode != tt.status {
				t.Fatalf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if got := resp.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type = %q, want %q", got, tt.contentType)
			}
			if tt.status != 200 {
				return
			}
			if got := resp.Header.Get("ETag"); got != `"4.8.4"` {
				t.Errorf("ETag = %q", got)
			}
			if got := resp.Header.Get("Cache-Control"); got != "public, max-age=0" {
				t.Errorf("Cache-Control = %q", got)
			}
		})
	}
}

func TestClientBundleNotModified(t *testing.T) {
	h := clientBundle(bundle)
	for etag, want := range map[string]int{`"4.8.4"`: 304, `W/"4.8.4"`: 304, `"4.8.3"`: 200} {
		resp := request(t, h, "GET", "/socket.io/socket.io.js", "If-None-Match", etag, "Accept-Encoding", "gzip")
		if resp.StatusCode != want {
			t.Errorf("If-None-Match %s: status = %d, want %d", etag, resp.StatusCode, want)
		}
	}
}

func TestClientBundleNotBuilt(t *testing.T) {
	if resp := request(t, clientBundle(fstest.MapFS{}), "GET", "/socket.io/socket.io.js"); resp.StatusCode != 404 {
		t.Errorf("status = %d, want 404", resp.StatusCode)
	}
}
