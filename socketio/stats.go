package socketio

import (
	"sync/atomic"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
)

// Stats are a server's figures: what there is, and what it has counted since it was
// made. Package metrics makes metrics of them.
type Stats struct {
	Engine     engineio.Stats
	Namespaces []NamespaceStats // in no particular order
	Cluster    *cluster.Stats   // nil if there are no other nodes whose clients come here
	Adapter    *adapter.Stats   // nil unless the adapter is an [adapter.Counter]
}

// NamespaceStats are the figures of a namespace on this node. All that clients have asked
// for ([Server.OfPattern], [Server.OfFunc]) are counted with their parent, so that
// there are no more of these than the program has made.
type NamespaceStats struct {
	Name      string // of a parent: its pattern, or "" after OfFunc
	Sockets   int    // that are connected
	New       uint64 // sockets that have connected and were not recovered
	Recovered uint64 // sockets that came back
	Refused   uint64 // sockets that were not let in: by a middleware, or as they left before
}

// entries are what a namespace, or the parent of some, counts.
type entries struct{ fresh, recovered, refused atomic.Uint64 }

// counts returns the entries of the namespace, or of its parent.
func (ns *Namespace) counts() *entries {
	if ns.parent != nil {
		return &ns.parent.entries
	}
	return &ns.entries
}

// Stats returns the figures. Those of one moment may not fit each other to the last.
func (s *Server) Stats() Stats {
	st := Stats{Engine: s.engine.Stats()}
	for _, ns := range s.founders() {
		st.Namespaces = append(st.Namespaces, NamespaceStats{
			Name: ns.name, Sockets: ns.Sockets(),
			New: ns.entries.fresh.Load(), Recovered: ns.entries.recovered.Load(), Refused: ns.entries.refused.Load(),
		})
	}
	if s.cluster != nil {
		c := s.cluster.Stats()
		st.Cluster = &c
	}
	if c, ok := s.opts.Adapter.(adapter.Counter); ok {
		a := c.Stats()
		st.Adapter = &a
	}
	return st
}

// founders are the namespaces that the program has made, and the parents of those that
// clients have asked for.
func (s *Server) founders() []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*Namespace
	for _, ns := range s.namespaces {
		if ns.parent == nil {
			all = append(all, ns)
		}
	}
	return append(all, s.parents...)
}
