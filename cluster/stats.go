package cluster

import "sync/atomic"

// Stats are a node's figures: what there is, and what it has counted since it was made.
type Stats struct {
	Nodes    int    // of the cluster that are alive, this one among them
	Asked    uint64 // requests of clients here that were passed on: polls, data, upgrades
	Failed   uint64 // those of them that got no answer: a message was lost, or the other node
	Served   uint64 // requests of clients at other nodes for sessions here
	Relaying int    // connections that clients have with this node, of sessions elsewhere
	Relayed  int    // connections that clients have with other nodes, of sessions here
}

type counters struct{ asked, failed, served atomic.Uint64 }

// Stats returns the figures.
func (n *Node) Stats() Stats {
	st := Stats{
		Nodes: len(n.mesh.Nodes()), Asked: n.counters.asked.Load(), Failed: n.counters.failed.Load(), Served: n.counters.served.Load(),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for key := range n.streams {
		if key.opener {
			st.Relayed++
		} else {
			st.Relaying++
		}
	}
	return st
}
