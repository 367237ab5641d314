package adaptertest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// A Member is one namespace on one node. It keeps what arrives for it.
type Member struct {
	adapter.Namespace
	arrived chan *adapter.Operation

	mu      sync.Mutex
	answers func(op *adapter.Operation, reply func(adapter.Answer)) // guarded by mu
}

// Answers sets how the member answers questions from now on. Before that it answers
// each with an empty [adapter.Answer] at once.
func (m *Member) Answers(f func(op *adapter.Operation, reply func(adapter.Answer))) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers = f
}

// Apply implements [adapter.Local].
func (m *Member) Apply(op *adapter.Operation) {
	select {
	case m.arrived <- op:
	default:
		panic("adaptertest: more operations than a test expects")
	}
}

// Answer implements [adapter.Local]. The question is among what has arrived.
func (m *Member) Answer(op *adapter.Operation, reply func(adapter.Answer)) {
	m.Apply(op)
	m.mu.Lock()
	answers := m.answers
	m.mu.Unlock()
	if answers == nil {
		reply(adapter.Answer{})
		return
	}
	answers(op, reply)
}

// Wants implements [adapter.Local].
func (m *Member) Wants(string) bool { return true }

// Open opens a namespace on each node, and returns when all nodes are ready again.
func Open(t testing.TB, nsp string, nodes ...adapter.Adapter) []*Member {
	t.Helper()
	members := make([]*Member, len(nodes))
	for i, node := range nodes {
		m := &Member{arrived: make(chan *adapter.Operation, 1<<16)}
		var err error
		if m.Namespace, err = node.Open(nsp, m); err != nil {
			t.Fatalf("Open(%q): %v", nsp, err)
		}
		members[i] = m
	}
	for _, node := range nodes {
		WaitReady(t, node)
	}
	return members
}

// Send publishes op and fails the test if that is refused.
func (m *Member) Send(t testing.TB, op *adapter.Operation) {
	t.Helper()
	if err := m.Publish(op); err != nil {
		t.Errorf("Publish: %v", err)
	}
}

// Next returns the next operation that arrived, waiting for it.
func (m *Member) Next(t testing.TB) *adapter.Operation {
	t.Helper()
	select {
	case op := <-m.arrived:
		return op
	case <-time.After(patience):
		t.Fatalf("no operation arrived within %v", patience)
		return nil
	}
}

// Want fails the test if the next operation that arrives is not equal to op.
func (m *Member) Want(t testing.TB, op *adapter.Operation) {
	t.Helper()
	if diff := difference(m.Next(t), op); diff != "" {
		t.Errorf("an operation did not arrive as it was published: %s", diff)
	}
}

// Event returns a broadcast of an event with one argument, to rooms.
func Event(name string, argument any, rooms ...string) *adapter.Operation {
	return &adapter.Operation{
		Kind:  adapter.Broadcast,
		Rooms: rooms,
		Event: adapter.Event{Data: fmt.Appendf(nil, "[%q,%v]", name, argument)},
	}
}

// difference says what differs between two operations, "" if nothing does. No rooms
// and an empty list of rooms are the same, and so it is with attachments.
func difference(got, want *adapter.Operation) string {
	switch {
	case got.Kind != want.Kind:
		return fmt.Sprintf("kind %d, want %d", got.Kind, want.Kind)
	case !slices.Equal(got.Rooms, want.Rooms):
		return fmt.Sprintf("rooms %q, want %q", got.Rooms, want.Rooms)
	case !slices.Equal(got.Except, want.Except):
		return fmt.Sprintf("except %q, want %q", got.Except, want.Except)
	case got.Flags != want.Flags:
		return fmt.Sprintf("flags %+v, want %+v", got.Flags, want.Flags)
	case !slices.Equal(got.Names, want.Names):
		return fmt.Sprintf("names %q, want %q", got.Names, want.Names)
	case got.Brief != want.Brief:
		return fmt.Sprintf("brief %v, want %v", got.Brief, want.Brief)
	case got.Close != want.Close:
		return fmt.Sprintf("close %v, want %v", got.Close, want.Close)
	case string(got.Event.Data) != string(want.Event.Data):
		return fmt.Sprintf("data %s, want %s", got.Event.Data, want.Event.Data)
	case !slices.EqualFunc(got.Event.Attachments, want.Event.Attachments, bytes.Equal):
		return fmt.Sprintf("attachments %x, want %x", got.Event.Attachments, want.Event.Attachments)
	}
	return ""
}
