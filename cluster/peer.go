package cluster

import (
	"bytes"
	"runtime"
	"sync"
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

// flushNow is flush for a node that starts no more goroutines.
func (p *peer) flushNow() {
	p.mu.Lock()
	idle := !p.flushing
	p.flushing = true
	p.mu.Unlock()
	if idle {
		p.flush()
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
			if err := p.node.mesh.Send(p.id, b); err != nil {
				p.node.opts.Logger.Warn("connections to another node are broken", "node", p.id, "error", err)
				p.node.forget(p.id, errLost)
			}
		}
	}
}
