package memory

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/damso/damso/adapter"
)

// A Node is one node's adapter. It implements [adapter.Adapter] and [adapter.Mesh],
// and is safe for concurrent use.
type Node struct {
	// Set by Bus.Node.
	bus    *Bus
	id     string
	number int           // tells the nodes of a bus apart, from 1
	wake   chan struct{} // has room for one: there is something in waiting

	// Set before Run.
	receive func(from string, message []byte)
	watch   []func(node string, alive bool)

	// Guarded by bus.mu.
	namespaces map[string]*namespace
	run        state

	mu      sync.Mutex
	waiting []task // what Run is to do; guarded by mu
}

// A task is something that Run is to do, not before it is due.
type task struct {
	do  func()
	due time.Time
}

type state uint8

const (
	created state = iota
	running
	stopped
)

var (
	_ adapter.Adapter = (*Node)(nil)
	_ adapter.Mesh    = (*Node)(nil)
)

// newID returns 6 random characters, as [adapter.Mesh] has them.
func newID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])[:6]
}

// Open implements [adapter.Adapter].
func (n *Node) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	opened, err := n.open(nsp, local)
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func (n *Node) open(nsp string, local adapter.Local) (*namespace, error) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if n.namespaces[nsp] != nil {
		return nil, fmt.Errorf("memory: namespace %q is already open", nsp)
	}
	opened := &namespace{node: n, name: nsp, local: local}
	n.namespaces[nsp] = opened
	return opened, nil
}

// Run implements [adapter.Adapter]. It returns nil when ctx has ended.
func (n *Node) Run(ctx context.Context) error {
	if err := n.bus.join(n); err != nil {
		return err
	}
	defer n.bus.leave(n)
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-late.C:
		}
		late.Reset(n.deliver())
	}
}

// Ready implements [adapter.Adapter].
func (n *Node) Ready() error {
	if !n.bus.runs(n) {
		return ErrUnavailable
	}
	return nil
}

// queue puts f behind what waits, and returns false if there is no room.
func (n *Node) queue(f func()) bool { return n.put(task{do: f}) }

func (n *Node) put(t task) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waiting) >= MaxQueued {
		return false
	}
	n.push(t)
	return true
}

// notify is queue for what must not be lost: that a node has come or gone, of which
// there is a bounded number in a process.
func (n *Node) notify(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.push(task{do: f})
}

func (n *Node) push(t task) {
	n.waiting = append(n.waiting, t)
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// deliver does what waits and is due, and returns how long it is to the next. No lock
// is held meanwhile: the other side of adapter.Local has locks of its own.
func (n *Node) deliver() time.Duration {
	due, next := n.take(time.Now())
	for _, t := range due {
		t.do()
	}
	return next
}

// take returns the tasks that are due, and how long it is to the next.
func (n *Node) take(now time.Time) (due []task, next time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var later []task
	next = time.Hour
	for _, t := range n.waiting {
		if wait := t.due.Sub(now); wait > 0 {
			later = append(later, t)
			next = min(next, wait)
		} else {
			due = append(due, t)
		}
	}
	n.waiting = later
	return due, next
}

// opened returns the namespace of that name if it is open here, and otherwise nil.
func (n *Node) opened(nsp string) *namespace {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return n.namespaces[nsp]
}

func (n *Node) apply(nsp string, op *adapter.Operation) {
	if here := n.opened(nsp); here != nil {
		here.local.Apply(op)
	}
}

// answer lets the namespace answer q, which from has asked. The answers queue for from
// among all else that this node sends it. One that finds no room there is lost, and
// missed when the time is over.
func (n *Node) answer(from *namespace, q *adapter.Query) {
	here := n.opened(from.name)
	if here == nil { // Close has told so
		return
	}
	here.local.Answer(q.Op, func(a adapter.Answer) {
		n.bus.mu.Lock()
		defer n.bus.mu.Unlock()
		if n.run == running {
			a.Node = n.id
			n.bus.send(n, from.node, func() { q.Answer(a) })
		}
	})
}
