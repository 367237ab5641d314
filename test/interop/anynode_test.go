package interop

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// TestAnyNode runs the cases against three nodes, each request of a client at the
// next of them: none may fail.
func TestAnyNode(t *testing.T) {
	gone := newDepartures()
	at := listenAll(engineio.Options{}, func(opts engineio.Options) string { return balance(t, opts, gone) })
	matrix(t, at, nil)
}

// balance starts three nodes, and what sends each request to the next of them.
func balance(t *testing.T, opts engineio.Options, gone *departures) string {
	bus := &memory.Bus{}
	var nodes [3]*socketio.Server
	for i := range nodes {
		mesh := bus.Node()
		nodes[i] = socketio.NewServer(socketio.Options{
			Engine: opts, Adapter: mesh, Observe: gone.observe, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		serve(nodes[i], gone)
		for mesh.Ready() != nil || len(mesh.Nodes()) <= i {
			runtime.Gosched()
		}
	}
	var next atomic.Uint32
	at := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nodes[next.Add(1)%3].ServeHTTP(w, r)
	}))
	at.Config.SetKeepAlivesEnabled(false)
	at.Start()
	t.Cleanup(func() {
		for _, n := range nodes {
			n.Close()
		}
		at.Close()
	})
	return at.URL
}
