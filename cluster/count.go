package cluster

import (
	"context"
	"fmt"
	"time"
)

// countTimeout is how long the other nodes may take to say how many sessions they have.
const countTimeout = 2 * time.Second

// A census is a question to all nodes how many sessions they have.
type census struct {
	missing map[string]bool // who has not answered; guarded by Node.mu
	total   int             // sessions of those that have and stay; guarded by Node.mu
	nodes   int             // so many; guarded by Node.mu
	done    chan struct{}   // closed when none is missing
}

// Excess asks the other nodes how many sessions they have, and returns by how many this one
// has more than the mean. Nodes that are about to stop do not count. An error says that not
// all have answered.
func (n *Node) Excess(ctx context.Context) (int, error) {
	c := &census{missing: map[string]bool{}, done: make(chan struct{})}
	own := n.engine.Sessions()
	c.total, c.nodes = own, 1
	for _, node := range n.mesh.Nodes() {
		c.missing[node] = node != n.id
	}
	delete(c.missing, n.id)
	alone := len(c.missing) == 0
	n.mu.Lock()
	n.next++
	id := n.next
	n.censuses[id] = c
	c.check()
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.censuses, id)
	}()
	if !alone {
		if err := n.mesh.Send("", message(record{kind: kindCount, flags: flagAsk, id: id})); err != nil {
			return 0, fmt.Errorf("cluster: ask the nodes for their sessions: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	select {
	case <-c.done:
		n.mu.Lock()
		defer n.mu.Unlock()
		return own - (c.total+c.nodes-1)/c.nodes, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("cluster: not all nodes have said how many sessions they have: %w", ctx.Err())
	}
}

// counted takes the question of another node how many sessions there are here, or
// an answer.
func (n *Node) counted(from string, r record) {
	if r.flags&flagAsk != 0 {
		answer := record{kind: kindCount, id: r.id, number: uint64(n.engine.Sessions())}
		if n.engine.Closing() {
			answer.flags = flagLeaving
		}
		_ = n.mesh.Send(from, message(answer)) // it is missed
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.censuses[r.id]
	if c == nil || !c.missing[from] {
		return
	}
	if r.flags&flagLeaving == 0 {
		c.total += int(min(r.number, 1<<31))
		c.nodes++
	}
	delete(c.missing, from)
	c.check()
}

// check ends the census if nobody is missing; Node.mu is held.
func (c *census) check() {
	if len(c.missing) == 0 {
		close(c.done)
	}
}

// lost says that a node is gone; Node.mu is held.
func (c *census) lost(node string) {
	if c.missing[node] {
		delete(c.missing, node)
		c.check()
	}
}
