// Package memory joins nodes that live in one process, without a network: for tests,
// and as the reference of how an adapter behaves.
//
// What a node publishes, asks, answers and sends arrives at every other node in one
// order, which is the same for all of them.
package memory

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/damso/damso/adapter"
)

const (
	// MaxQueued is how many operations, questions, answers and messages may wait for
	// one node to take them.
	MaxQueued = 65_536

	// MaxMessage is how many bytes a message of [Node.Send] may have.
	MaxMessage = 4 << 20
)

var (
	// ErrUnavailable means that the node's Run is not running: it is in no cluster.
	ErrUnavailable = errors.New("memory: not running")

	// ErrQueueFull means that [MaxQueued] things were already waiting for one of the
	// other nodes, which will not get this one.
	ErrQueueFull = fmt.Errorf("memory: queue of another node: %w", adapter.ErrFull)
)

// A Bus joins the nodes of one cluster. The zero value is ready; it is safe for
// concurrent use.
type Bus struct {
	mu sync.Mutex // also guards what a Node says it does

	// Guarded by mu.
	made    int              // number of nodes
	nodes   map[string]*Node // those that run, by id
	logs    map[string]*log  // by namespace
	faults  Faults
	chances map[[2]int]*rand.Rand // by the numbers of sender and receiver
}

// Node returns a new node on the bus.
func (b *Bus) Node() *Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	return &Node{bus: b, id: newID(), number: b.made, namespaces: map[string]*namespace{}, wake: make(chan struct{}, 1)}
}

// join adds a node that runs. It and the others hear of each other.
func (b *Bus) join(n *Node) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.run != created {
		return errors.New("memory: Run was called twice")
	}
	n.run = running
	if b.nodes == nil {
		b.nodes = map[string]*Node{}
	}
	for _, other := range b.nodes {
		other.notify(func() { other.tell(n.id, true) })
		n.notify(func() { n.tell(other.id, true) })
	}
	b.nodes[n.id] = n
	return nil
}

// leave takes a node out. Nobody waits for its answers any more, nor it for theirs.
func (b *Bus) leave(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n.run = stopped
	delete(b.nodes, n.id)
	for _, other := range b.nodes {
		for _, nsp := range other.namespaces {
			nsp.lose(n.id)
		}
		other.notify(func() { other.tell(n.id, false) })
	}
	for _, nsp := range n.namespaces {
		nsp.fail(ErrUnavailable)
	}
}

// runs reports whether n is in the cluster.
func (b *Bus) runs(n *Node) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return n.run == running
}

// ids returns the ids of all nodes that run and of n, sorted.
func (b *Bus) ids(n *Node) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := []string{n.id}
	if n.run != running {
		return ids
	}
	for id := range b.nodes {
		if id != n.id {
			ids = append(ids, id)
		}
	}
	ids = append(ids, b.ghosts()...)
	slices.Sort(ids)
	return ids
}

// publish queues op for all nodes but from. The lock is held while it does, so that
// all nodes get what all publishers send in one order.
func (b *Bus) publish(from *namespace, op *adapter.Operation) (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := from.usable(); err != nil {
		return err
	}
	if op.Kind < adapter.Broadcast || op.Kind > adapter.ServerSide {
		return fmt.Errorf("memory: publish kind %d: %w", op.Kind, adapter.ErrKind)
	}
	return b.queue(from, op)
}

// queue hands op to all nodes but from; mu is held.
func (b *Bus) queue(from *namespace, op *adapter.Operation) (err error) {
	for _, n := range b.nodes {
		if n != from.node && !b.send(from.node, n, func() { n.apply(from.name, op) }) {
			err = ErrQueueFull
		}
	}
	return err
}

// ask queues a question for all other nodes that have the namespace open.
func (b *Bus) ask(from *namespace, q *adapter.Query) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := from.usable(); err != nil {
		return err
	}
	if q.Op.Kind < adapter.Broadcast || q.Op.Kind > adapter.Rooms {
		return fmt.Errorf("memory: ask kind %d: %w", q.Op.Kind, adapter.ErrKind)
	}
	if err := from.keep(q); err != nil {
		return err
	}
	var asked, full []string
	for id, n := range b.nodes {
		if n == from.node || n.namespaces[from.name] == nil {
			continue
		}
		if !b.hidden(from.node, n) {
			asked = append(asked, id)
		}
		if !b.send(from.node, n, func() { n.answer(from, q) }) {
			full = append(full, id)
		}
	}
	q.Expect(append(asked, b.ghosts()...), 0)
	for _, id := range full {
		q.Lost(id)
	}
	return nil
}

// servers counts the nodes that have a namespace open.
func (b *Bus) servers(nsp *namespace) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := nsp.usable(); err != nil {
		return 0, err
	}
	for _, node := range b.nodes {
		if node.namespaces[nsp.name] != nil {
			n++
		}
	}
	return n + b.faults.Ghosts, nil
}
