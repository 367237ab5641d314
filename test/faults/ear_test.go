package faults

import (
	"encoding/json"
	"sync"

	"github.com/damso/damso/adapter"
)

// room is one that both nodes have a member of.
const room = "room"

// An ear is a namespace that counts the events of the other node, which are numbered from
// 1: those with even numbers go to the room, the others to all.
type ear struct {
	adapter.Namespace
	mu   sync.Mutex
	last [2]uint64 // the numbers heard last, even and odd; guarded by mu
	n    uint64    // how many were heard; guarded by mu
	wild int       // how many came twice, or behind a later one; guarded by mu
}

func (e *ear) Apply(op *adapter.Operation) {
	var event []any
	if json.Unmarshal(op.Event.Data, &event) != nil || len(event) < 2 {
		return
	}
	number, _ := event[1].(float64)
	n := uint64(number)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	if last := &e.last[n%2]; n > *last {
		*last = n
	} else {
		e.wild++
	}
}

// heard returns how many events were heard, and the number before which none is to be
// expected any more.
func (e *ear) heard() (n, last uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n, min(e.last[0], e.last[1])
}

func (e *ear) disorder() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wild
}

func (*ear) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (*ear) Wants(string) bool                               { return true }
