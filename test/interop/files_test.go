package interop

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// TestServeClient asks Node's server and ours for the files of the client library.
func TestServeClient(t *testing.T) {
	var node addresses
	testkit.Node(t, testkit.Script{Path: "reference.js"}).Expect(&node)
	ours := serveHTTP(t, socketio.NewServer(socketio.Options{Client: os.DirFS("node_modules/server-4.8/client-dist")}))
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js", "socket.io.slim.js", "../package.json"} {
		for _, name := range []string{name, name + ".map", name + "?x=1"} {
			want, got := askFile(t, node.URL, name, ""), askFile(t, ours, name, "")
			if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "ETag" }, cmp.Ignore())); diff != "" {
				t.Errorf("%s: -node +ours\n%s", name, diff)
			}
			if again := askFile(t, ours, name, got.ETag); want.Status == 200 && again.Status != askFile(t, node.URL, name, want.ETag).Status {
				t.Errorf("%s with its ETag: %d", name, again.Status)
			}
		}
	}
}

// A file is what a server answers to a request for one.
type file struct {
	Status                    int
	Type, Cache, Coding, Body string
	ETag                      string
}

func askFile(t *testing.T, at, name, etag string) file {
	r, err := http.NewRequestWithContext(t.Context(), "GET", at+"/socket.io/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	res, err := http.DefaultClient.Do(r) // takes gzip, and unpacks it
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	coding := ""
	if res.Uncompressed {
		coding = "gzip"
	}
	return file{res.StatusCode, strings.ToLower(res.Header.Get("Content-Type")), res.Header.Get("Cache-Control"), coding, string(body), res.Header.Get("ETag")}
}
