package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
)

// wires has the network of each node that [wired] has made.
var wires sync.Map

// wired is [redis.New] for a node that may be killed.
func wired(client rueidis.ClientOption, opts redis.Options) adapter.Adapter {
	w := &wire{}
	client.DialCtxFn = w.dial
	node := redis.New(client, opts)
	wires.Store(node, w)
	return node
}

// crash ends a node as the end of its process does: its connections are closed.
func crash(t *testing.T, node adapter.Adapter) {
	w := cut(t, node)
	w.closeAll()
}

// cutOff ends a node as a machine without power does: its connections stay, and Redis does
// not know.
func cutOff(t *testing.T, node adapter.Adapter) { cut(t, node) }

// cut lets a node neither hear nor be heard.
func cut(t *testing.T, node adapter.Adapter) *wire {
	v, _ := wires.Load(node)
	w := v.(*wire)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	t.Cleanup(w.closeAll)
	return w
}

// A wire is the network of a node.
type wire struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

var errCut = errors.New("the network is cut")

func (w *wire) dial(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
	if w.isCut() {
		return nil, errCut
	}
	var conn net.Conn
	var err error
	if t != nil {
		conn, err = (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = d.DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn)
	return &mute{Conn: conn, wire: w}, nil
}

func (w *wire) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

func (w *wire) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// A mute is a connection that says and hears nothing once its wire is cut. When the node
// closes it then, nobody learns of that either.
type mute struct {
	net.Conn
	wire   *wire
	closed atomic.Bool
}

func (m *mute) Write(p []byte) (int, error) {
	switch {
	case m.closed.Load():
		return 0, net.ErrClosed
	case m.wire.isCut():
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

func (m *mute) Close() error {
	m.closed.Store(true)
	if m.wire.isCut() {
		return m.Conn.SetDeadline(time.Unix(1, 0)) // ends what waits
	}
	return m.Conn.Close()
}
