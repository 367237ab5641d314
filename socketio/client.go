package socketio

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/asset"
)

// clientFiles are the names of the JavaScript client library in npm's package
// socket.io, and beneath the path of its server (CLIENT_FILES in dist/index.js).
var clientFiles = []string{
	"socket.io.esm.min.js",
	"socket.io.esm.min.js.map",
	"socket.io.js",
	"socket.io.js.map",
	"socket.io.min.js",
	"socket.io.min.js.map",
	"socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map",
}

// A client serves the client library. Its files are read once.
type client map[string]http.Handler // by name; nil without Options.Client

// newClient reads what is there of clientFiles. A file that can't be read is left
// out.
func newClient(files fs.FS, cors *engineio.CORS) client {
	if files == nil {
		return nil
	}
	c := make(client, len(clientFiles))
	for _, name := range clientFiles {
		c[name] = asset.ReadOnly(clientFile(files, name))
		if cors != nil { // a page of another origin needs it for a module
			c[name] = cors.Handler(c[name])
		}
	}
	return c
}

// clientFile serves one file with the headers of socket.io, or its absence.
func clientFile(files fs.FS, name string) http.Handler {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return http.NotFoundHandler()
	}
	a := asset.New(name, body)
	a.CacheControl = "public, max-age=0"
	if strings.HasSuffix(name, ".js") {
		a.ContentType = "application/javascript; charset=utf-8"
	}
	return a
}

// file returns what serves a path, nil if it is none of the library's files. Of the
// path, its last element counts.
func (c client) file(urlPath string) http.Handler {
	if c == nil || strings.HasSuffix(urlPath, "/") {
		return nil
	}
	return c[path.Base(urlPath)]
}

// checkClient says why files can't be the client library.
func checkClient(files fs.FS) error {
	if files == nil {
		return nil
	}
	for _, name := range clientFiles {
		if _, err := fs.Stat(files, name); err == nil {
			return nil
		}
	}
	return errors.New("socketio: Options.Client has no socket.io.js, or any other file of the client: is it node_modules/socket.io/client-dist?")
}
