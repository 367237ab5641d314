package memory

import (
	"fmt"
	"slices"

	"github.com/damso/damso/adapter"
)

// Node implements [adapter.Mesh].
func (n *Node) Node() string { return n.id }

// Nodes implements [adapter.Mesh]. A node that does not run knows itself alone.
func (n *Node) Nodes() []string { return n.bus.ids(n) }

// Receive implements [adapter.Mesh].
func (n *Node) Receive(f func(from string, message []byte)) { n.receive = f }

// Watch implements [adapter.Mesh].
func (n *Node) Watch(f func(node string, alive bool)) { n.watch = append(n.watch, f) }

// Send implements [adapter.Mesh]. It returns [ErrUnavailable], [ErrQueueFull],
// [adapter.ErrNode] or [adapter.ErrTooLarge], or nil.
func (n *Node) Send(to string, message []byte) error {
	if len(message) > MaxMessage {
		return fmt.Errorf("memory: send %d bytes: %w", len(message), adapter.ErrTooLarge)
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if n.run != running {
		return ErrUnavailable
	}
	if to == "" {
		return n.sendAll(message)
	}
	other := n.bus.nodes[to]
	if other == nil && slices.Contains(n.bus.ghosts(), to) {
		return nil
	}
	if other == nil || other == n {
		return fmt.Errorf("memory: send to %q: %w", to, adapter.ErrNode)
	}
	return n.send(other, message)
}

func (n *Node) sendAll(message []byte) (err error) {
	for _, other := range n.bus.nodes {
		if other != n {
			if full := n.send(other, message); full != nil {
				err = full
			}
		}
	}
	return err
}

// send queues a message for another node; bus.mu is held.
func (n *Node) send(other *Node, message []byte) error {
	if !n.bus.send(n, other, func() { other.hear(n.id, message) }) {
		return ErrQueueFull
	}
	return nil
}

// hear is called by Run.
func (n *Node) hear(from string, message []byte) {
	if n.receive != nil {
		n.receive(from, message)
	}
}

// tell is called by Run: a node has come or gone.
func (n *Node) tell(node string, alive bool) {
	for _, f := range n.watch {
		f(node, alive)
	}
}
