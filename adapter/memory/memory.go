// Package memory joins nodes that live in one process, without a network: for tests,
// and as the reference of how an adapter behaves.
package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/damso/damso/adapter"
)

// MaxQueued is how many operations may wait for one node to apply them.
const MaxQueued = 65_536

var (
	// ErrUnavailable means that the node's Run is not running: it is in no cluster.
	ErrUnavailable = errors.New("memory: not running")

	// ErrQueueFull means that [MaxQueued] operations were already waiting for one of
	// the other nodes, which will not get this one.
	ErrQueueFull = errors.New("memory: queue of another node is full")
)

// A Bus joins the nodes of one cluster. The zero value is ready; it is safe for
// concurrent use.
type Bus struct {
	mu    sync.Mutex
	nodes map[*Node]struct{} // those that run; guarded by mu
}

// Node returns a new node on the bus.
func (b *Bus) Node() *Node {
	return &Node{bus: b, namespaces: make(map[string]adapter.Local), wake: make(chan struct{}, 1)}
}

// join adds a node that runs.
func (b *Bus) join(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nodes == nil {
		b.nodes = make(map[*Node]struct{})
	}
	b.nodes[n] = struct{}{}
}

func (b *Bus) leave(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.nodes, n)
}

// publish queues op for all nodes but from. The lock is held while it does, so that
// all nodes get the operations of all publishers in one order.
func (b *Bus) publish(from *Node, nsp string, op *adapter.Operation) (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.nodes[from]; !ok {
		return ErrUnavailable
	}
	for n := range b.nodes {
		if n != from && !n.queue(delivery{nsp, op}) {
			err = ErrQueueFull
		}
	}
	return err
}

// A Node is one node's adapter. It implements [adapter.Adapter] and is safe for
// concurrent use.
type Node struct {
	bus  *Bus          // set by Bus.Node
	wake chan struct{} // has room for one: there is something in waiting

	mu         sync.Mutex
	namespaces map[string]adapter.Local // guarded by mu
	waiting    []delivery               // guarded by mu
	run        state                    // guarded by mu
}

type state uint8

const (
	created state = iota
	running
	stopped
)

type delivery struct {
	nsp string
	op  *adapter.Operation
}

var _ adapter.Adapter = (*Node)(nil)

// Open implements [adapter.Adapter].
func (n *Node) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.namespaces[nsp]; ok {
		return nil, fmt.Errorf("memory: namespace %q is already open", nsp)
	}
	n.namespaces[nsp] = local
	return &namespace{node: n, name: nsp}, nil
}

// Run implements [adapter.Adapter]. It returns nil when ctx has ended.
func (n *Node) Run(ctx context.Context) error {
	if !n.become(created, running) {
		return errors.New("memory: Run was called twice")
	}
	n.bus.join(n)
	defer n.become(running, stopped)
	defer n.bus.leave(n)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
			n.deliver()
		}
	}
}

func (n *Node) become(from, to state) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run != from {
		return false
	}
	n.run = to
	return true
}

// Ready implements [adapter.Adapter].
func (n *Node) Ready() error {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if _, ok := n.bus.nodes[n]; !ok {
		return ErrUnavailable
	}
	return nil
}

// queue puts d behind what waits, and returns false if there is no room.
func (n *Node) queue(d delivery) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) >= MaxQueued {
		return false
	}
	n.waiting = append(n.waiting, d)
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return true
}

// deliver applies what waits. No lock is held meanwhile: the other side of
// adapter.Local has locks of its own.
func (n *Node) deliver() {
	n.mu.Lock()
	waiting := n.waiting
	n.waiting = nil
	n.mu.Unlock()
	for _, d := range waiting {
		n.mu.Lock()
		local := n.namespaces[d.nsp]
		n.mu.Unlock()
		if local != nil {
			local.Apply(d.op)
		}
	}
}

type namespace struct {
	// Set once.
	node *Node
	name string

	closed bool // guarded by node.mu
}

// Close implements [adapter.Namespace].
func (n *namespace) Close() {
	n.node.mu.Lock()
	defer n.node.mu.Unlock()
	if !n.closed {
		n.closed = true
		delete(n.node.namespaces, n.name)
	}
}

func (n *namespace) isClosed() bool {
	n.node.mu.Lock()
	defer n.node.mu.Unlock()
	return n.closed
}

// Publish implements [adapter.Namespace]. It returns [ErrUnavailable],
// [ErrQueueFull] or [adapter.ErrClosed], or nil.
func (n *namespace) Publish(op *adapter.Operation) error {
	if n.isClosed() {
		return adapter.ErrClosed
	}
	return n.node.bus.publish(n.node, n.name, op)
}

// Ask implements [adapter.Namespace]. It returns [adapter.ErrKind].
func (n *namespace) Ask(*adapter.Query) error { return adapter.ErrKind }

// Servers implements [adapter.Namespace].
func (n *namespace) Servers(context.Context) (int, error) { return 0, adapter.ErrKind }

// Room implements [adapter.Namespace]. All nodes hear everything.
func (n *namespace) Room(string, bool, bool) {}
