package adapter

import (
	"errors"
	"sync"
)

// ErrTooManyQueries means that [MaxQueries] questions were waiting for answers.
var ErrTooManyQueries = errors.New("adapter: too many questions are waiting for answers")

// MaxQueries is how many queries [Queries] holds.
const MaxQueries = 10_000

// Queries are the questions of a node that wait for answers, by the ids that the
// adapter has given them. The zero value is ready; it is safe for concurrent use.
type Queries struct {
	mu   sync.Mutex
	byID map[string]*Query
}

// Add keeps q under id until it ends. It returns [ErrTooManyQueries] if there is no
// room.
func (t *Queries) Add(id string, q *Query) error {
	if !t.add(id, q) {
		return ErrTooManyQueries
	}
	q.OnEnd(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.byID, id)
	})
	return nil
}

func (t *Queries) add(id string, q *Query) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byID) >= MaxQueries {
		return false
	}
	if t.byID == nil {
		t.byID = map[string]*Query{}
	}
	t.byID[id] = q
	return true
}

// Get returns the query with that id, or nil if it is over or is somebody else's.
func (t *Queries) Get(id string) *Query {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// Each calls f for every query.
func (t *Queries) Each(f func(*Query)) {
	t.mu.Lock()
	all := make([]*Query, 0, len(t.byID))
	for _, q := range t.byID {
		all = append(all, q)
	}
	t.mu.Unlock()
	for _, q := range all {
		f(q)
	}
}
