package page

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// ClientFiles are the names under which Node's Socket.IO server offers the
// client library, beneath its own path: /socket.io/socket.io.js and so on.
var ClientFiles = []string{
	"socket.io.esm.min.js",
	"socket.io.esm.min.js.map",
	"socket.io.js",
	"socket.io.js.map",
	"socket.io.min.js",
	"socket.io.min.js.map",
	"socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map",
}

// ClientBundle serves [ClientFiles] with the headers Node's server sends; of
// the request's path it looks at the last element alone. Anything else, and
// everything where the library was not built, is 404.
//
// CORS headers, which a module script from another origin needs, are the
// caller's business, as they are for the rest of /socket.io/.
func ClientBundle() http.Handler {
	files, err := fs.Sub(dist, clientDir)
	if err != nil {
		panic(err) // clientDir is a constant and valid
	}
	return clientBundle(files)
}

func clientBundle(files fs.FS) http.Handler {
	assets := loadClient(files)
	return readOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[path.Base(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		a.ServeHTTP(w, r)
	}))
}

// loadClient reads what is there of ClientFiles. The ETag is the library's
// version, gzipped or not, as Node's server has it; where the build left no
// VERSION it stays the content's hash.
func loadClient(files fs.FS) map[string]*asset {
	version, _ := fs.ReadFile(files, "VERSION")
	assets := make(map[string]*asset, len(ClientFiles))
	for _, name := range ClientFiles {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			continue
		}
		a := newAsset(name, body)
		a.cacheControl = "public, max-age=0"
		if !strings.HasSuffix(name, ".map") {
			a.contentType = "application/javascript; charset=utf-8"
		}
		if v := strings.TrimSpace(string(version)); v != "" {
			a.etag, a.gzipETag = v, v
		}
		assets[name] = a
	}
	return assets
}
