package interop

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// TestDamso runs the cases against Damso: none may fail.
func TestDamso(t *testing.T) {
	gone := newDepartures()
	at := listenAll(engineio.Options{}, func(opts engineio.Options) string { return listen(t, opts, gone) })
	matrix(t, at, nil)
}

// listen starts a server that ends with the test, and returns its address.
func listen(t *testing.T, opts engineio.Options, gone *departures) string {
	return listenWith(t, socketio.Options{Engine: opts}, gone)
}

func listenWith(t *testing.T, opts socketio.Options, gone *departures) string {
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	opts.Observe = gone.observe
	srv := socketio.NewServer(opts)
	serve(srv, gone)
	return serveHTTP(t, srv)
}

// serveHTTP lets clients in until the test ends.
func serveHTTP(t *testing.T, srv *socketio.Server) string {
	at := httptest.NewServer(srv)
	t.Cleanup(func() {
		srv.Close()
		at.Close()
	})
	return at.URL
}
