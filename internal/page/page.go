// Package page serves the chat's page, and has the JavaScript client library.
//
// Both are built from web/ into the folder dist, which is embedded in the
// binary. The built files are not committed: a binary from a clone in which
// nothing was built serves a short notice instead of the page, and no client
// library.
package page

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed all:dist
var dist embed.FS

// Where the build puts things within dist.
const (
	siteDir   = "dist/site"
	clientDir = "dist/client"
)

// Options says which page to serve. The zero value means the built-in one.
type Options struct {
	// Dir is a folder to serve instead of the built-in page.
	// If empty, the built-in page is served.
	//
	// The files are the user's own, so no Content-Security-Policy is sent with
	// them. Directory listings, names that begin with a dot and links that lead
	// out of the folder are not served.
	Dir string
}

// Client has the JavaScript client library, for socketio.Options.Client. It is nil
// where the library was not built.
func Client() fs.FS {
	files, err := fs.Sub(dist, clientDir)
	if err != nil {
		panic(err) // clientDir is a constant and valid
	}
	if _, err := fs.Stat(files, "socket.io.js"); err != nil {
		return nil
	}
	return files
}

// Handler serves the page at "/" and its files beside it. It answers GET and
// HEAD, and 405 to every other method.
//
// The error says that Options.Dir cannot be opened.
func Handler(opts Options) (http.Handler, error) {
	if opts.Dir != "" {
		return folder(opts.Dir)
	}
	site, err := fs.Sub(dist, siteDir)
	if err != nil {
		return nil, err
	}
	return builtIn(site)
}
