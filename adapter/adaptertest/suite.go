// Package adaptertest is the conformance suite for adapters: what every adapter must
// do, this project's or another's.
//
//	func TestConformance(t *testing.T) {
//		adaptertest.Suite{Cluster: cluster}.Run(t)
//	}
package adaptertest

import (
	"slices"
	"testing"

	"github.com/damso/damso/adapter"
)

// A Suite says what is tested. Only Cluster must be set.
type Suite struct {
	// Cluster returns the adapters of the n nodes of a new cluster, whose Run was not
	// called; what else they need, it releases with t.Cleanup.
	Cluster func(t *testing.T, n int) []adapter.Adapter

	// Kill cuts a node that runs off from the others, as a crash does, or a machine that
	// loses its power: it says nothing to anybody any more, not even that. Its Run goes on until the test ends. If nil, what the others
	// do about it is not tested.
	Kill func(t *testing.T, node adapter.Adapter)

	// Oversize is a number of bytes that the adapter can't carry at once, for it to
	// refuse. If zero, that is not tested.
	Oversize int

	// Lacks is what the adapter can't do. All else it must.
	Lacks Lacks
}

// Lacks lists what an adapter can't do, because its wire format has no place for it.
// The zero value is an adapter that can do everything.
type Lacks struct {
	// Publish are the kinds of operations that may be refused with [adapter.ErrKind]
	// when they are published, and Ask those that may be when they are asked.
	Publish, Ask []adapter.Kind

	// Mesh says that it does not implement [adapter.Mesh]. Then it need not notice that
	// a node has gone before a query's time is over.
	Mesh bool
	// Names says that answers do not tell whose they are. Then a question may wait for
	// a node that has gone, too.
	Names bool
	// AckSockets says that acknowledgements do not tell whose they are.
	AckSockets bool
	// AckArguments says that only the first argument of an acknowledgement arrives.
	AckArguments bool
	// Binary says that answers other than acknowledgements have no binary parts.
	Binary bool
	// Errors says that the error of a handler of ServerSide is not told.
	Errors bool
	// Place says that questions may overtake what was published before them, and the
	// other way round.
	Place bool
	// Expiry says that what is kept does not expire.
	Expiry bool
	// Slow says that policies for slow clients are not told.
	Slow bool
}

func (l Lacks) publish(k adapter.Kind) bool { return slices.Contains(l.Publish, k) }
func (l Lacks) ask(k adapter.Kind) bool     { return slices.Contains(l.Ask, k) }

// A test is one of the suite: what is done with a new cluster of so many nodes.
type test struct {
	name  string
	nodes int
	run   func(t *testing.T, s Suite, nodes []adapter.Adapter)
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	s.run(t, published)
	s.run(t, asked)
	s.run(t, rooms)
	s.run(t, kept)
	if !s.Lacks.Mesh {
		s.run(t, mesh)
	}
	if s.Kill != nil {
		s.run(t, killed)
	}
}

func (s Suite) run(t *testing.T, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, s, s.Cluster(t, test.nodes)) })
	}
}
