package cluster_test

import (
	"testing"
	"testing/synctest"

	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// TestExcess counts the sessions of two nodes.
func TestExcess(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		for range 5 {
			clients.Open(siotest.Options{Polling: true})
		}
		synctest.Wait()
		want := func(n *node, want int) {
			t.Helper()
			if got, err := n.Excess(t.Context()); got != want || err != nil {
				t.Errorf("excess %d, %v; want %d", got, err, want)
			}
		}
		want(p.owner, 2) // 5 and 0: the mean is 3, rounded up
		want(p.front, -3)
		p.fromFront.set(all)
		if _, err := p.owner.Excess(t.Context()); err == nil {
			t.Error("an answer is missing, and there is no error")
		}
		p.fromFront.set(nil)
		go func() { _ = p.front.engine.Drain(t.Context(), 1) }()
		synctest.Wait()
		want(p.owner, 0) // the other one is about to stop
		p.front.kill()
		want(p.owner, 0)
	})
}
