package redis

import "github.com/redis/rueidis"

// Unheard implements [adapter.MeshEcho]: Redis counts who hears a letter. A Redis Cluster
// does not, so that f is not called with the names of nodes there.
func (a *Adapter) Unheard(f func(node string)) { a.mesh.unheard = f }

// posted takes how many have heard a letter. When none has heard a message to a node, all
// nodes are counted.
func (l *link) posted(m *mail, hearers int64) {
	a := l.a
	if m.to == "" || m.urgent || hearers > 0 || a.mesh.unheard == nil || l.client.Mode() == rueidis.ClientModeCluster {
		return
	}
	if !a.mesh.counting.CompareAndSwap(false, true) {
		return
	}
	call := &call{add: a.callRoll, failed: func(error) { a.mesh.counting.Store(false) }}
	if a.queue.put(item{call: call}) != nil {
		a.mesh.counting.Store(false)
	}
}

// again says, once, that this node hears. It was cut off before, or has just begun.
func (l *link) again() {
	if !l.heardAgain && l.canary.hears() && l.a.mesh.unheard != nil {
		l.heardAgain = true
		l.a.mesh.unheard("")
	}
}

// callRoll looks which of the other nodes listen.
func (a *Adapter) callRoll(b *batch) {
	nodes := append(a.others(), a.mesh.self.ID)
	channels := make([]string, len(nodes))
	for i, id := range nodes {
		channels[i] = a.mesh.channel(id)
	}
	b.subscribers(byChannel, channels, func(counts map[string]int64, err error) {
		a.mesh.counting.Store(false)
		if err != nil || counts[a.mesh.channel(a.mesh.self.ID)] == 0 {
			return // who is in between does not count all
		}
		for i, id := range nodes {
			if counts[channels[i]] == 0 {
				a.mesh.unheard(id)
			}
		}
	})
}
