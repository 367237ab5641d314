package faults

import (
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/damso/damso/internal/redistest"
)

// A way leads to a server, and can be broken.
type way struct {
	t     *testing.T
	to    string
	addr  string // set by the first mend
	proxy *toxiproxy.Proxy
}

// newWay returns a way to the server that ends with the test.
func newWay(t *testing.T, server *redistest.Server) *way {
	t.Helper()
	w := &way{t: t, to: server.Addr(), addr: "127.0.0.1:0"}
	w.mend()
	t.Cleanup(w.cut)
	return w
}

// spoil breaks what comes from the server, as a toxic of toxiproxy does.
func (w *way) spoil(toxic string) {
	w.t.Helper()
	if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		w.t.Fatal(err)
	}
}

// cut ends the connections. No others are made until the way is mended.
func (w *way) cut() { w.proxy.Stop() }

// mend makes the way a good one, for new connections: it ends those that there are. To take
// away a toxic while data passes would leave connections behind that are stuck.
func (w *way) mend() {
	w.t.Helper()
	if w.proxy != nil {
		w.cut()
	}
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w.proxy = toxiproxy.NewProxy(api, "redis", w.addr, w.to)
	if err := w.proxy.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.addr = w.proxy.Listen
}
