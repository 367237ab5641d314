package cluster_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A node is an Engine.IO server that sends back what it receives.
type node struct {
	*cluster.Node
	engine *engineio.Server
	opened chan *engineio.Session // has room for all, as has closed
	closed chan engineio.Reason
	stop   context.CancelFunc
	done   chan struct{}
	once   sync.Once
}

// A session sends back what it receives.
type session struct {
	node *node
	*engineio.Session
}

// Open implements [engineio.Handler].
func (n *node) Open(s *engineio.Session) engineio.Receiver {
	n.opened <- s
	return session{n, s}
}

func (s session) Receive(data []byte, binary bool) {
	if binary {
		s.Send(engineio.NewBinaryMessage(append([]byte{}, data...)))
		return
	}
	s.Send(engineio.NewMessage(append(make([]byte, engineio.Headroom), data...), nil))
}

func (s session) Closed(reason engineio.Reason, _ error) { s.node.closed <- reason }

// A network is what joins nodes.
type network interface {
	adapter.Mesh
	Run(context.Context) error
}

// start starts a node on mesh.
func start(t testing.TB, mesh network, opts engineio.Options, copts cluster.Options) *node {
	ctx, stop := context.WithCancel(context.Background())
	n := &node{Node: cluster.New(mesh, copts), stop: stop, done: make(chan struct{}), opened: make(chan *engineio.Session, 1000), closed: make(chan engineio.Reason, 1000)}
	opts.Router = n.Node
	n.engine = engineio.NewServer(n, opts)
	n.Serve(n.engine)
	go func() {
		defer close(n.done)
		if err := mesh.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(n.end)
	return n
}

// end stops the node in good order.
func (n *node) end() {
	n.once.Do(func() {
		_ = n.engine.Close()
		n.Close()
		n.stop()
		<-n.done
	})
}

// kill takes the node out of the cluster before anything else.
func (n *node) kill() {
	n.once.Do(func() {
		n.stop()
		<-n.done
		n.Close()
		_ = n.engine.Close()
	})
}

// startAll starts nodes, which know each other when it returns.
func startAll(t testing.TB, count int, opts engineio.Options) []*node {
	bus := &memory.Bus{}
	var nodes []*node
	var mesh *memory.Node
	for range count {
		mesh = bus.Node()
		nodes = append(nodes, start(t, mesh, opts, cluster.Options{}))
	}
	for mesh.Ready() != nil || len(mesh.Nodes()) < count {
		time.Sleep(time.Millisecond)
	}
	return nodes
}

// A balancer sends each request to the next node.
type balancer struct {
	next  atomic.Uint64
	nodes []*node
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := b.next.Add(1) % uint64(len(b.nodes))
	b.nodes[i].engine.ServeHTTP(w, r)
}
