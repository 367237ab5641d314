package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// TestRecoveryNodes sends numbers to a client whose every connection is to another
// node, while the nodes that it was at lose Redis for ever, as if they were killed:
// it gets each number once, in order, and stays one socket.
func TestRecoveryNodes(t *testing.T) {
	for name, parser := range map[string]socketio.Parser{"text": socketio.TextParser, "MessagePack": socketio.MessagePack} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var env []string
			if parser == socketio.MessagePack {
				env = []string{"DAMSO_PARSER=socket.io-msgpack-parser"}
			}
			l := &lineage{t: t, broker: redistest.Start(t), parser: parser, first: make(chan *socketio.Socket, 1)}
			publisher := l.node()
			at := httptest.NewServer(l)
			t.Cleanup(func() {
				l.close()
				at.Close()
			})
			p := testkit.Node(t, testkit.Script{Path: "recovery.js", Args: []string{"websocket", at.URL, strconv.Itoa(losses)}, Env: env})
			s := <-l.first
			l.judge(p, publisher.srv.Of("/"), s.ID())
		})
	}
}

// losses is how often the client loses its connection.
const losses = 20

// A lineage is nodes, each of which serves one connection.
type lineage struct {
	t      *testing.T
	broker *redistest.Server
	parser socketio.Parser
	first  chan *socketio.Socket // the client's first

	mu        sync.Mutex
	nodes     []*doomed // guarded by mu
	recovered int       // guarded by mu
}

// A doomed is a node that will be killed.
type doomed struct {
	srv *socketio.Server
	met atomic.Bool // the client is there

	mu    sync.Mutex
	conns []net.Conn // to Redis; guarded by mu
	dead  bool       // guarded by mu
}

var errKilled = errors.New("killed")

// dial connects to Redis.
func (d *doomed) dial(ctx context.Context, addr string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		conn.Close()
		return nil, errKilled
	}
	d.conns = append(d.conns, conn)
	return conn, nil
}

// kill lets nobody hear of the node any more.
func (d *doomed) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	for _, conn := range d.conns {
		conn.Close()
	}
}

// node starts a node, and returns when it is ready.
func (l *lineage) node() *doomed {
	d := &doomed{}
	var a adapter.Adapter = redis.New(rueidis.ClientOption{InitAddress: []string{l.broker.Addr()}, DialCtxFn: d.dial},
		redis.Options{Logger: slog.New(slog.DiscardHandler)})
	d.srv = socketio.NewServer(socketio.Options{
		Adapter: a, Recovery: &socketio.Recovery{}, Parser: l.parser, Logger: slog.New(slog.DiscardHandler),
		Engine: engineio.Options{PingInterval: 500 * time.Millisecond, PingTimeout: 2 * time.Second},
	})
	d.srv.Of("/").OnConnect(func(_ context.Context, s *socketio.Socket) error {
		d.met.Store(true)
		if !s.Recovered() {
			s.Join("room")
			l.first <- s
			return nil
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.recovered++
		return nil
	})
	for d.srv.Ready() != nil {
		time.Sleep(time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes = append(l.nodes, d)
	return d
}

// ServeHTTP serves a connection with a node of its own. The one before is dead then.
func (l *lineage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.killLast(false)
	l.node().srv.ServeHTTP(w, r)
}

// killLast kills the last node, but for the one that publishes, and the one that the
// client stays with in the end. With met it does so only once the client is there.
func (l *lineage) killLast(met bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.nodes) - 1; last > 0 && last <= losses && (!met || l.nodes[last].met.Load()) {
		l.nodes[last].kill()
	}
}

func (l *lineage) close() {
	l.mu.Lock()
	nodes := l.nodes
	l.mu.Unlock()
	for _, d := range nodes {
		if err := d.srv.Close(); err != nil {
			l.t.Errorf("close: %v", err)
		}
	}
}

// judge checks what the client gets while numbers are sent to it.
func (l *lineage) judge(p *testkit.Process, ns *socketio.Namespace, id string) {
	over, last := make(chan struct{}), make(chan int, 1)
	go func() { last <- l.emit(ns, id, over) }()
	stop := sync.OnceValue(func() int { close(over); return <-last })
	defer stop()
	connects, want, end := 0, 1, 0
	for want-1 != end || end == 0 {
		var v said
		p.Expect(&v)
		switch {
		case v.Over:
			end = stop()
		case v.Connect != "":
			if connects++; v.Connect != id || v.Recovered != (connects > 1) {
				l.t.Fatalf("connected as %s, recovered %v, the %d. time; was %s", v.Connect, v.Recovered, connects, id)
			}
		case v.N != want || v.Bytes != numberBytes(want):
			l.t.Fatalf("got number %d with %q, want %d with %q", v.N, v.Bytes, want, numberBytes(want))
		default:
			want++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if connects != losses+1 || l.recovered != losses || len(l.nodes) != losses+2 {
		l.t.Errorf("%d connections, %d of them recovered, %d nodes; want %d, %d, %d",
			connects, l.recovered, len(l.nodes), losses+1, losses, losses+2)
	}
}

// emit counts until over, and returns the last number. Now and then the node of the
// client is killed while the client is there.
func (l *lineage) emit(ns *socketio.Namespace, id string, over <-chan struct{}) int {
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for n := 1; ; n++ {
		args := []any{n}
		if b := numberBytes(n); b != "" {
			args = append(args, []byte(b))
		}
		emit := []func(string, ...any) error{
			ns.Emit, ns.To(id).Emit, ns.To("room").Emit, ns.To("room", id).Except("x").Emit, ns.To("1", "2", "3", "4", "room").Emit,
		}[rand.N(5)]
		if err := emit("number", args...); err != nil {
			l.t.Errorf("emit %d: %v", n, err)
		}
		_ = ns.To("elsewhere").Emit("number", -n)
		_ = ns.Volatile().Emit("volatile", "a text that is no offset")
		if n%100 == 0 {
			l.killLast(true)
		}
		select {
		case <-over:
			return n
		case <-ticks.C:
		}
	}
}
