package cluster

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/damso/damso/adapter"
)

// maxBatch is how many bytes go into one message, more or less.
const maxBatch = 256 << 10

// A peer is another node to which records of connections go. Those that are there at
// a time leave in one message, and what many connections get at once, as those of a
// room do, is in it only once.
type peer struct {
	// Set once.
	node *Node
	id   string

	mu       sync.Mutex
	batches  [][]byte // messages to send, in order; guarded by mu
	last     []byte   // body of the last kindData in the last of them, where it is there; guarded by mu
	flushing bool     // somebody sends; guarded by mu
}

// peer returns the peer of that id.
func (n *Node) peer(id string) *peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.peers[id]
	if p == nil {
		p = &peer{node: n, id: id}
		n.peers[id] = p
	}
	return p
}

// send queues r. The limits of connections are those of the queue.
func (p *peer) send(r record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := len(p.batches) - 1
	if end < 0 || len(p.batches[end]) > maxBatch {
		p.batches = append(p.batches, []byte{version})
		p.last = nil
		end++
	}
	if r.kind == kindData && p.last != nil && bytes.Equal(p.last, r.body) {
		r.kind = kindAgain
	}
	b := r.append(p.batches[end])
	if r.kind == kindData {
		p.last = b[len(b)-len(r.body):]
	}
	p.batches[end] = b
	if !p.flushing {
		p.flushing = p.node.start(p.flush)
	}
}

// flush sends what there is, until there is nothing.
func (p *peer) flush() {
	for {
		runtime.Gosched() // others may have something for the same message
		p.mu.Lock()
		batches := p.batches
		p.batches, p.last = nil, nil
		p.flushing = len(batches) > 0
		p.mu.Unlock()
		if len(batches) == 0 {
			return
		}
		for _, b := range batches {
			if err := p.node.sendPatiently(p.node.ctx, p.id, b); err != nil {
				p.broken(err)
				break // the rest is of no use any more
			}
		}
	}
}

// broken gives up all that is under way to the other node.
func (p *peer) broken(why error) {
	if errors.Is(why, adapter.ErrNode) {
		p.node.forget(p.id, errDead)
		return
	}
	p.node.opts.Logger.Warn("connections to another node are broken", "node", p.id, "error", why)
	p.node.forget(p.id, errLost)
}

// What the mesh does not take is tried again, more and more rarely. When it can't reach
// the other nodes at all, that is given up after outage.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 200 * time.Millisecond
	outage     = 10 * time.Second
)

// sendPatiently is Send of the mesh that waits, until ctx ends at most, while there is no
// room or no connection.
func (n *Node) sendPatiently(ctx context.Context, to string, message []byte) error {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := n.mesh.Send(to, message)
		switch {
		case err == nil, errors.Is(err, adapter.ErrNode), errors.Is(err, adapter.ErrTooLarge):
			return err
		case !errors.Is(err, adapter.ErrFull) && time.Since(began) > outage:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
