package interop

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// TestAnyNode runs the cases against three nodes, each request of a client at the
// next of them: none may fail.
func TestAnyNode(t *testing.T) {
	gone := newDepartures()
	matrix(t, addresses{
		URL:          balance(t, engineio.Options{}, gone),
		HeartbeatURL: balance(t, engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 2500 * time.Millisecond}, gone),
	}, nil)
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
