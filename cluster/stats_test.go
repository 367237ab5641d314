package cluster_test

import (
	"testing"
	"testing/synctest"

	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// TestStats counts what goes from one node to the other, and what is lost with it.
func TestStats(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		if st := p.front.Stats(); st != (cluster.Stats{Nodes: 2}) {
			t.Errorf("in the beginning: %+v", st)
		}
		relayed := clients.Open(siotest.Options{Upgrade: true})
		if err := relayed.Upgraded(); err != nil {
			t.Fatal(err)
		}
		clients.Open(siotest.Options{Polling: true}) // its poll waits
		synctest.Wait()
		front, owner := p.front.Stats(), p.owner.Stats()
		asked := front.Asked
		if asked < 3 || owner.Served != asked { // the upgrade, a poll released by it, the one that waits
			t.Errorf("%d requests passed on, %d served", asked, owner.Served)
		}
		if front != (cluster.Stats{Nodes: 2, Asked: asked, Relaying: 1}) || owner != (cluster.Stats{Nodes: 2, Served: asked, Relayed: 1}) {
			t.Errorf("front %+v, owner %+v", front, owner)
		}
		p.owner.kill()
		synctest.Wait()
		if st := p.front.Stats(); st != (cluster.Stats{Nodes: 1, Asked: asked, Failed: 1}) {
			t.Errorf("after the owner's end: %+v", st)
		}
	})
}
