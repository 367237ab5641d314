package memory

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Faults are what a [Bus] does wrong, for tests of what adapters are for: networks. The
// zero value is a bus without faults.
type Faults struct {
	// Seed makes the same choices again: they depend on it, on the sender and the
	// receiver in the order of Bus.Node, and on how much the one has sent the other.
	Seed uint64

	// Drop is the chance between 0 and 1 that something does not arrive, though its
	// sender is told that it was sent.
	Drop float64
	// Duplicate is the chance that it arrives twice.
	Duplicate float64
	// Delay is how late it may arrive. Each time is another: things overtake each other.
	Delay time.Duration

	// Ghosts is how many nodes are counted, and named, that there are not. At most 10.
	Ghosts int
	// Hide is the chance that a node which hears a question is not counted among those
	// that are to answer.
	Hide float64
}

// SetFaults lets the bus do these things wrong from now on. That a node has come or
// gone arrives always.
func (b *Bus) SetFaults(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
	b.chances = nil
}

// chance returns the source of choices about what from sends to; mu is held.
func (b *Bus) chance(from, to *Node) *rand.Rand {
	way := [2]int{from.number, to.number}
	r := b.chances[way]
	if r == nil {
		r = rand.New(rand.NewPCG(b.faults.Seed, uint64(way[0])<<32|uint64(way[1])))
		if b.chances == nil {
			b.chances = map[[2]int]*rand.Rand{}
		}
		b.chances[way] = r
	}
	return r
}

// send queues f, which from sends, for to, and returns false if there is no room; mu is
// held.
func (b *Bus) send(from, to *Node, f func()) bool {
	if b.faults == (Faults{}) {
		return to.queue(f)
	}
	r := b.chance(from, to)
	if r.Float64() < b.faults.Drop {
		return true
	}
	copies := 1
	if r.Float64() < b.faults.Duplicate {
		copies = 2
	}
	for range copies {
		t := task{do: f}
		if b.faults.Delay > 0 {
			t.due = time.Now().Add(time.Duration(r.Float64() * float64(b.faults.Delay)))
		}
		if !to.put(t) {
			return false
		}
	}
	return true
}

// hidden reports whether to is left out of those that are to answer; mu is held.
func (b *Bus) hidden(from, to *Node) bool {
	return b.faults.Hide > 0 && b.chance(from, to).Float64() < b.faults.Hide
}

// ghosts returns the names of the nodes that there are not; mu is held.
func (b *Bus) ghosts() (ids []string) {
	for i := range b.faults.Ghosts {
		ids = append(ids, fmt.Sprintf("ghost%d", i))
	}
	return ids
}
