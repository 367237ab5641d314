package adaptertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// held asks a question that is not answered, and returns when the other nodes have it.
func (s Suite) held(t *testing.T, timeout time.Duration, from *Member, to ...*Member) *adapter.Query {
	t.Helper()
	for _, m := range to {
		m.Answers(func(*adapter.Operation, func(adapter.Answer)) {})
	}
	op := s.Lacks.pick(t, 1)
	op.Timeout = timeout
	q := adapter.NewQuery(op, func(adapter.Answer) {})
	if err := from.Ask(q); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	for _, m := range to {
		m.Next(t)
	}
	return q
}

// closedWithQuestions closes the namespace of the one who asks.
func closedWithQuestions(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	q := s.held(t, patience, members[0], members[1])
	members[0].Close()
	if err := q.Wait(t.Context()); !errors.Is(err, adapter.ErrClosed) {
		t.Errorf("Wait: %v, want adapter.ErrClosed", err)
	}
	if err := members[0].Ask(adapter.NewQuery(s.Lacks.pick(t, 1), func(adapter.Answer) {})); !errors.Is(err, adapter.ErrClosed) {
		t.Errorf("Ask: %v, want adapter.ErrClosed", err)
	}
}

// stoppedWithQuestions stops the node that asks.
func stoppedWithQuestions(t *testing.T, s Suite, nodes []adapter.Adapter) {
	stop := LaunchOne(t, nodes[0])
	Launch(t, nodes[1])
	members := Open(t, "/", nodes...)
	WaitServers(t, members...)
	q := s.held(t, patience, members[0], members[1])
	stop()
	var missing *adapter.MissingError
	if err := q.Wait(t.Context()); !errors.As(err, &missing) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v, want a *adapter.MissingError before the time was over", err)
	}
	if err := members[0].Ask(adapter.NewQuery(s.Lacks.pick(t, 1), func(adapter.Answer) {})); err == nil {
		t.Error("a node that was stopped could ask")
	}
	if err := members[0].Publish(Event("e", 1)); err == nil {
		t.Error("a node that was stopped could publish")
	}
}

func notRunning(t *testing.T, s Suite, nodes []adapter.Adapter) {
	m := &Member{}
	nsp, err := nodes[0].Open("/", m)
	if err != nil {
		t.Fatal(err)
	}
	if err := nsp.Publish(Event("e", 1)); err == nil {
		t.Error("a node that does not run could publish")
	}
	if err := nsp.Ask(adapter.NewQuery(s.Lacks.pick(t, 1), func(adapter.Answer) {})); err == nil {
		t.Error("a node that does not run could ask")
	}
	nsp.Room("r", false, true)
	nsp.Close()
}
