package faults

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
)

// within is how soon the nodes must be whole when Redis is back.
const within = 5 * time.Second

// modes are the ways in which nodes are joined. Their names are the prefixes of what they
// have in Redis.
var modes = map[string]redis.Options{
	"classic": {},
	"exact":   {ExactRooms: true},
	"sharded": {Mode: redis.ShardedDynamic},
	"streams": {Mode: redis.Streams},
}

// How many more bytes may be in use after a fault than before. A node needs a megabyte
// and more, and what each cycle of a fault leaves behind is summed up for all nodes. The
// client of a Redis Cluster opens connections to its servers as it needs them.
const (
	slack        = 2 << 20
	clusterSlack = 12 << 20
)

// pairs are two nodes of each mode, on the same Redis.
type pairs struct {
	all     []*pair
	forgets bool // Redis loses some of what it was given to keep
	slack   uint64
	silence func(*testing.T) // ends the talk, and looks at what has become of it; once

	goroutines int    // when all were whole
	heap       uint64 // bytes in use at that time
}

// start starts two nodes of each mode, which have these ways to Redis, and returns when
// they are whole. At the end of the test it looks that nothing is left.
func start(t *testing.T, way0, way1 rueidis.ClientOption) *pairs {
	t.Helper()
	p, quit := &pairs{slack: slack}, make(chan struct{})
	var nodes []adapter.Adapter
	for mode, opts := range modes {
		pair := newPair(t, mode, opts, [2]rueidis.ClientOption{way0, way1})
		p.all = append(p.all, pair)
		nodes = append(nodes, pair.nodes[0], pair.nodes[1])
	}
	adaptertest.Start(t, nodes...)
	for _, pair := range p.all {
		for i := range pair.nodes {
			pair.talks.Go(func() { pair.talk(i, quit) })
		}
	}
	var once sync.Once
	p.silence = func(t *testing.T) {
		t.Helper()
		once.Do(func() { close(quit); p.account(t) })
	}
	t.Cleanup(func() { p.end(t) })
	p.wantWhole(t)
	p.mark()
	return p
}

// mark notes what is in use now.
func (p *pairs) mark() { p.goroutines, p.heap = runtime.NumGoroutine(), heap() }

// cycles has a fault come and go n times. What is in use after the first time must be
// enough for the others.
func (p *pairs) cycles(t *testing.T, n int, fault func()) {
	t.Helper()
	for i := range n {
		fault()
		p.wantWhole(t)
		if i == 0 {
			p.mark()
		}
	}
}

// wantWhole looks that, within the time that there is for it, each node hears what the
// other says from now on, and both are ready.
func (p *pairs) wantWhole(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(within)
	from := make([][2]uint64, len(p.all))
	for k, pair := range p.all {
		from[k] = [2]uint64{pair.said[0].Load(), pair.said[1].Load()}
	}
	for k, pair := range p.all {
		for err := pair.whole(from[k]); err != nil; err = pair.whole(from[k]) {
			if time.Now().After(deadline) {
				t.Fatalf("%v after Redis was back: %v\n%+v\n%+v", within, err, pair.nodes[0].Stats(), pair.nodes[1].Stats())
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// wantBroken waits until a node of each pair is not ready.
func (p *pairs) wantBroken(t *testing.T, i int) {
	t.Helper()
	for _, pair := range p.all {
		adaptertest.WaitNotReady(t, pair.nodes[i])
	}
}

// wantAnew waits until all nodes have connected again.
func (p *pairs) wantAnew(t *testing.T) {
	t.Helper()
	for _, pair := range p.all {
		for i, node := range pair.nodes {
			adaptertest.Wait(t, "connected again", func() error {
				if node.Stats().Connects < 2 {
					return fmt.Errorf("%s: node %d is where it was", pair.mode, i)
				}
				return nil
			})
		}
	}
}

// wantLoss looks that the first nodes, which were cut off while the others were not, have
// lost what these said meanwhile, but where it is kept.
func (p *pairs) wantLoss(t *testing.T) {
	t.Helper()
	p.silence(t)
	for _, pair := range p.all {
		if !pair.keeps && pair.lost(0) == 0 {
			t.Errorf("%s: nothing was lost", pair.mode)
		}
	}
}

// wantAll looks that everything was published where the connection has held. With it, if
// there is no gap, it was also heard.
func (p *pairs) wantAll(t *testing.T) {
	t.Helper()
	p.silence(t)
	for _, pair := range p.all {
		for i, node := range pair.nodes {
			if s := node.Stats(); s.Connects == 1 && s.Dropped > 0 {
				t.Errorf("%s: node %d: %+v", pair.mode, i, s)
			}
		}
	}
}

// pad lets a node of each pair say so many bytes more each time.
func (p *pairs) pad(i int, size int64) {
	for _, pair := range p.all {
		pair.size[i].Store(size)
	}
}

// wantGoing looks that all nodes go on to publish.
func (p *pairs) wantGoing(t *testing.T) {
	t.Helper()
	for _, pair := range p.all {
		pair.wantGoing(t)
	}
}

// account looks at what has become of all that was said, which ends now.
func (p *pairs) account(t *testing.T) {
	t.Helper()
	for _, pair := range p.all {
		pair.talks.Wait()
	}
	if t.Failed() {
		return
	}
	for _, pair := range p.all {
		pair.wantAccounted(t, pair.keeps && !p.forgets)
	}
}

// end looks that what the fault has started has ended, and that no memory is left of it.
func (p *pairs) end(t *testing.T) {
	p.silence(t)
	if t.Failed() {
		return
	}
	adaptertest.Wait(t, "without goroutines that were not there before", func() error {
		if n := runtime.NumGoroutine(); n > p.goroutines+4*len(p.all) { // those of a proxy's connections come and go
			return fmt.Errorf("%d, there were %d", n, p.goroutines)
		}
		return nil
	})
	adaptertest.Wait(t, "without memory that was not in use before", func() error {
		if n := heap(); n > p.heap+p.slack {
			return fmt.Errorf("%d KiB, there were %d", n>>10, p.heap>>10)
		}
		return nil
	})
	t.Logf("%d KiB in use, %d before", heap()>>10, p.heap>>10)
}

// heap returns how many bytes of memory are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a sync.Pool has kept
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
