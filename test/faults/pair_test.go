// Package faults breaks real Redis servers, and the connections to them, under two
// nodes, and looks that they are whole again soon.
package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// A toxic that is taken away while data passes may leave a goroutine of toxiproxy behind.
func TestMain(m *testing.M) {
	redistest.Main(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

// within is how soon the nodes must be whole when Redis is back.
const within = 5 * time.Second

// An ear is a namespace that remembers the number of the last event it has heard.
type ear struct {
	adapter.Namespace
	last atomic.Uint64
}

func (e *ear) Apply(op *adapter.Operation) {
	var event []any
	if json.Unmarshal(op.Event.Data, &event) == nil && len(event) > 1 {
		n, _ := event[1].(float64)
		e.last.Store(uint64(n))
	}
}

func (*ear) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (*ear) Wants(string) bool                               { return true }

// A pair is two nodes that talk all the time, whatever happens: each publishes an event
// every few milliseconds, numbered from 1.
type pair struct {
	nodes [2]*redis.Adapter
	ears  [2]*ear
	said  [2]atomic.Uint64 // events that were given to Publish
	size  atomic.Int64     // bytes of padding in each
	quit  chan struct{}
	talks sync.WaitGroup

	goroutines int // when the pair was whole first
}

// start starts two nodes, which have these ways to Redis.
func start(t *testing.T, clients ...rueidis.ClientOption) *pair {
	t.Helper()
	p := &pair{quit: make(chan struct{})}
	for i, client := range clients {
		p.nodes[i] = redis.New(client, redis.Options{Logger: slog.New(slog.DiscardHandler)})
		p.ears[i] = &ear{}
		var err error
		if p.ears[i].Namespace, err = p.nodes[i].Open("/", p.ears[i]); err != nil {
			t.Fatal(err)
		}
	}
	adaptertest.Start(t, p.nodes[0], p.nodes[1])
	for i := range p.nodes {
		p.talks.Go(func() { p.talk(i) })
	}
	t.Cleanup(func() { p.end(t) })
	p.wantWhole(t)
	p.goroutines = runtime.NumGoroutine()
	return p
}

func (p *pair) talk(i int) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-ticker.C:
			n := p.said[i].Add(1)
			op := adaptertest.Event("talk", n)
			if size := p.size.Load(); size > 0 {
				op.Event.Data = fmt.Appendf(nil, `["talk",%d,"%0*d"]`, n, size, 0)
			}
			_ = p.ears[i].Publish(op)
		}
	}
}

// wantWhole looks that, within the time that there is for it, each node hears what the
// other says from now on, and both are ready.
func (p *pair) wantWhole(t *testing.T) {
	t.Helper()
	var from [2]uint64
	for i := range from {
		from[i] = p.said[i].Load()
	}
	deadline := time.Now().Add(within)
	for {
		err := p.whole(from)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v after Redis was back: %v", within, err)
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *pair) whole(from [2]uint64) error {
	for i, node := range p.nodes {
		if err := node.Ready(); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if p.ears[1-i].last.Load() <= from[i] {
			return fmt.Errorf("node %d does not hear node %d", 1-i, i)
		}
		if nodes := node.Nodes(); len(nodes) != 2 {
			return fmt.Errorf("node %d knows %v", i, nodes)
		}
	}
	return nil
}

// wantBroken waits until a node is not ready.
func (p *pair) wantBroken(t *testing.T, i int) {
	t.Helper()
	adaptertest.WaitNotReady(t, p.nodes[i])
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

// end looks that everything which was said is accounted for, and that what the fault
// has started has ended.
func (p *pair) end(t *testing.T) {
	close(p.quit)
	p.talks.Wait()
	if t.Failed() {
		return
	}
	for i, node := range p.nodes {
		adaptertest.Wait(t, "accounted for", func() error {
			if s := node.Stats(); s.Published+s.Dropped != p.said[i].Load() {
				return fmt.Errorf("node %d has said %d: %+v", i, p.said[i].Load(), s)
			}
			return nil
		})
		t.Logf("node %d: %+v", i, node.Stats())
	}
	adaptertest.Wait(t, "without goroutines that were not there before", func() error {
		if n := runtime.NumGoroutine(); n > p.goroutines+4 { // those of a proxy's connections come and go
			return fmt.Errorf("%d, there were %d", n, p.goroutines)
		}
		return nil
	})
}
