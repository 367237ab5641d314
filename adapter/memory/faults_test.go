package memory_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
)

// TestFaulty runs what adapters promise on a bus with faults.
func TestFaulty(t *testing.T) {
	const late = 5 * time.Millisecond
	tests := map[string]memory.Faults{
		"drops":           {Drop: 0.3},
		"deaf":            {Drop: 1},
		"duplicates":      {Duplicate: 0.7},
		"delays":          {Delay: late},
		"counts too many": {Ghosts: 3},
		"counts too few":  {Hide: 0.5},
	}
	for seed := range uint64(4) {
		tests[fmt.Sprintf("everything, seed %d", seed)] = memory.Faults{
			Seed: seed, Drop: 0.2, Duplicate: 0.2, Delay: late, Ghosts: int(seed % 2), Hide: 0.1,
		}
	}
	for name, faults := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			buses := map[adapter.Adapter]*memory.Bus{}
			adaptertest.Faulty{
				Suite: adaptertest.Suite{Cluster: func(_ *testing.T, n int) []adapter.Adapter {
					bus := &memory.Bus{}
					bus.SetFaults(faults)
					nodes := make([]adapter.Adapter, n)
					for i := range nodes {
						nodes[i] = bus.Node()
						buses[nodes[i]] = bus
					}
					return nodes
				}},
				Heal: func(nodes []adapter.Adapter) { buses[nodes[0]].SetFaults(memory.Faults{}) },
				Lies: faults.Ghosts > 0 || faults.Hide > 0,
			}.Run(t)
		})
	}
}

// TestGhosts asks nodes that there are not, and names them.
func TestGhosts(t *testing.T) {
	var bus memory.Bus
	bus.SetFaults(memory.Faults{Ghosts: 2})
	a, b := bus.Node(), bus.Node()
	members := adaptertest.Open(t, "/", adaptertest.Start(t, a, b)...)
	if n, err := members[0].Servers(t.Context()); n != 4 || err != nil {
		t.Errorf("Servers: %d, %v; want 4", n, err)
	}
	got, err := members[0].Question(t, &adapter.Operation{Kind: adapter.Fetch, Timeout: 10 * time.Millisecond})
	missing, ok := err.(*adapter.MissingError)
	if !ok || !slices.Equal(missing.Nodes[len(missing.Nodes)-2:], []string{"ghost0", "ghost1"}) {
		t.Errorf("%d answers, %v; want two ghosts to be missing", len(got), err)
	}
}

// TestFaultsRepeat plays the same seed twice, and another.
func TestFaultsRepeat(t *testing.T) {
	play := func(seed uint64) (arrived []string) {
		var bus memory.Bus
		bus.SetFaults(memory.Faults{Seed: seed, Drop: 0.5, Duplicate: 0.5})
		members := adaptertest.Open(t, "/", adaptertest.Start(t, bus.Node(), bus.Node())...)
		for i := range 100 {
			members[0].Send(t, adaptertest.Event("e", i))
		}
		bus.SetFaults(memory.Faults{})
		last := adaptertest.Event("last", 0)
		members[0].Send(t, last)
		for {
			op := members[1].Next(t)
			if string(op.Event.Data) == string(last.Event.Data) {
				return arrived
			}
			arrived = append(arrived, string(op.Event.Data))
		}
	}
	first := play(1)
	if again := play(1); !slices.Equal(first, again) {
		t.Errorf("the same seed chose\n%v\nand\n%v", first, again)
	}
	if slices.Equal(first, play(2)) {
		t.Error("another seed chose the same")
	}
}
