package nats_test

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/nats"
	"github.com/damso/damso/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// A wire is the connections of a node, which can be cut.
type wire struct {
	mu  sync.Mutex
	cut bool
}

var errCut = errors.New("the wire is cut")

// Dial implements natsgo.CustomDialer.
func (w *wire) Dial(network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, errCut
	}
	c, err := net.DialTimeout(network, address, 10*time.Second)
	if err == nil {
		c = &mute{Conn: c, wire: w}
	}
	return c, err
}

func (w *wire) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

// A mute is a connection that says and hears nothing once its wire is cut.
type mute struct {
	net.Conn
	wire *wire
}

func (m *mute) Write(p []byte) (int, error) {
	if m.wire.isCut() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

func (m *mute) Read(p []byte) (int, error) {
	for {
		n, err := m.Conn.Read(p)
		if err != nil || !m.wire.isCut() {
			return n, err
		}
	}
}

// cutting remembers the wires of nodes.
type cutting struct {
	mu    sync.Mutex
	wires map[adapter.Adapter]*wire
}

func (c *cutting) node(url string) adapter.Adapter {
	w := &wire{}
	node := nats.New(url, nats.Options{Logger: quiet, Connect: []natsgo.Option{natsgo.SetCustomDialer(w)}})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wires[node] = w
	return node
}

func (c *cutting) kill(_ *testing.T, node adapter.Adapter) {
	c.mu.Lock()
	w := c.wires[node]
	c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
}

func TestConformance(t *testing.T) {
	c := &cutting{wires: map[adapter.Adapter]*wire{}}
	adaptertest.Suite{
		Cluster: func(t *testing.T, n int) []adapter.Adapter {
			server := natstest.Start(t, "")
			nodes := make([]adapter.Adapter, n)
			for i := range nodes {
				nodes[i] = c.node(server.URL())
			}
			return nodes
		},
		Kill:     c.kill,
		Oversize: 1<<20 + 1,
	}.Run(t)
}
