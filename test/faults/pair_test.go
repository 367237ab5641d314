package faults

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
)

// A pair is two nodes that talk all the time, whatever happens: each publishes an event
// every few milliseconds, numbered from 1.
type pair struct {
	mode  string
	keeps bool // Redis keeps what is published, for those who are away

	nodes [2]*redis.Adapter
	ears  [2]*ear
	said  [2]atomic.Uint64 // events that were given to Publish
	size  [2]atomic.Int64  // bytes of padding in each
	talks sync.WaitGroup
}

// newPair returns two nodes, which have these ways to Redis.
func newPair(t *testing.T, mode string, opts redis.Options, ways [2]rueidis.ClientOption) *pair {
	t.Helper()
	p := &pair{mode: mode, keeps: opts.Mode == redis.Streams}
	opts.Prefix, opts.Logger = mode, slog.New(slog.DiscardHandler)
	for i, way := range ways {
		p.nodes[i] = redis.New(way, opts)
		p.ears[i] = &ear{}
		var err error
		if p.ears[i].Namespace, err = p.nodes[i].Open("/", p.ears[i]); err != nil {
			t.Fatal(err)
		}
		p.ears[i].Room(room, false, true)
	}
	return p
}

// talk publishes the events of a node until quit is closed.
func (p *pair) talk(i int, quit <-chan struct{}) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			n := p.said[i].Add(1)
			op := adaptertest.Event("talk", n)
			if n%2 == 0 {
				op.Rooms = []string{room}
			}
			if size := p.size[i].Load(); size > 0 {
				op.Event.Data = fmt.Appendf(nil, `["talk",%d,"%0*d"]`, n, size, 0)
			}
			_ = p.ears[i].Publish(op)
		}
	}
}

// whole returns an error unless each node is ready, knows the other, and hears what the
// other says after the numbers in from.
func (p *pair) whole(from [2]uint64) error {
	for i, node := range p.nodes {
		if err := node.Ready(); err != nil {
			return fmt.Errorf("%s: node %d: %w", p.mode, i, err)
		}
		if _, last := p.ears[1-i].heard(); last <= from[i] {
			return fmt.Errorf("%s: node %d does not hear node %d: %d, %d were said", p.mode, 1-i, i, last, from[i])
		}
		if nodes := node.Nodes(); len(nodes) != 2 {
			return fmt.Errorf("%s: node %d knows %v", p.mode, i, nodes)
		}
	}
	return nil
}

// wantGoing looks that the nodes go on to publish without waiting for Redis.
func (p *pair) wantGoing(t *testing.T) {
	t.Helper()
	for i := range p.said {
		from := p.said[i].Load()
		adaptertest.Wait(t, "publishing", func() error {
			if p.said[i].Load() < from+10 {
				return errors.New("Publish blocks")
			}
			return nil
		})
	}
}

// lost returns how many events of the other node, which Redis took, a node has not heard.
// It may be too low by what Redis took without being able to say so.
func (p *pair) lost(i int) int {
	n, _ := p.ears[i].heard()
	return max(int(p.nodes[1-i].Stats().Published)-int(n), 0)
}

// wantAccounted looks, when nobody talks any more, that nothing has come twice or in
// another order, that all which was said was published or is counted as dropped, and that
// nothing was lost if it is kept, or else not without a gap that is counted.
func (p *pair) wantAccounted(t *testing.T, kept bool) {
	t.Helper()
	for i, node := range p.nodes {
		adaptertest.Wait(t, "published or dropped", func() error {
			if s := node.Stats(); s.Published+s.Dropped != p.said[i].Load() {
				return fmt.Errorf("%s: node %d has said %d: %+v", p.mode, i, p.said[i].Load(), s)
			}
			return nil
		})
	}
	for i, node := range p.nodes {
		adaptertest.Wait(t, "heard", func() error {
			if lost, s := p.lost(i), node.Stats(); lost > 0 && (kept || s.Gaps == 0) {
				return fmt.Errorf("%s: node %d lacks %d events: %+v", p.mode, i, lost, s)
			}
			return nil
		})
		if n := p.ears[i].disorder(); n > 0 {
			t.Errorf("%s: %d events came twice or late to node %d", p.mode, n, i)
		}
		t.Logf("%-7s node %d: said %d, lost %d: %+v", p.mode, i, p.said[i].Load(), p.lost(i), node.Stats())
	}
}
