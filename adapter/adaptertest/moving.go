package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// comeAndGo asks while the namespace is closed and opened on one node: one that stays
// always answers, once.
func comeAndGo(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	for i, m := range members {
		m.Answers(func(_ *adapter.Operation, reply func(adapter.Answer)) { reply(returned(fmt.Sprint(i))) })
	}
	stop := make(chan struct{})
	var moving sync.WaitGroup
	moving.Go(func() { members[2] = move(t, nodes[2], members[2], stop) })
	for i := range 20 {
		op := s.Lacks.pick(t, i)
		if op.Timeout = 5 * time.Second; s.unnoticed() {
			op.Timeout = 100 * time.Millisecond // it may wait in vain, and need not be answered
		}
		got, _ := members[0].Question(t, op)
		count := make(map[string]int)
		for _, a := range got {
			count[string(a.Value.Data)]++
		}
		if !s.unnoticed() && op.Kind == adapter.ServerSide && count["1"] != 1 {
			t.Errorf("the node that stayed has answered %d times", count["1"])
		}
	}
	close(stop)
	moving.Wait()
	WaitServers(t, members...)
	if got, err := members[0].Question(t, s.Lacks.pick(t, 0)); len(got) != 2 || err != nil {
		t.Errorf("in the end %d answers, %v; want 2 and nil", len(got), err)
	}
}

// move closes and opens a namespace until it is to stop, and returns the last member.
func move(t *testing.T, node adapter.Adapter, m *Member, stop <-chan struct{}) *Member {
	for {
		m.Close()
		m = &Member{arrived: make(chan *adapter.Operation, 1<<16)}
		var err error
		if m.Namespace, err = node.Open("/", m); err != nil {
			t.Errorf("Open: %v", err)
			return m
		}
		if _, err := m.Servers(t.Context()); err != nil { // gives it time to take part
			t.Logf("Servers: %v", err)
		}
		select {
		case <-stop:
			return m
		default:
		}
	}
}

// mesh are the tests of messages between named nodes, and killed those of a node that
// dies.
var (
	mesh = []test{
		{"node names", 3, nodeNames},
		{"messages to one", 3, messagesToOne},
		{"messages to all", 3, messagesToAll},
		{"messages that can't be sent", 2, messagesRefused},
		{"watch", 3, watched},
		{"a node stops", 3, nodeStops},
	}
	killed = []test{
		{"a node dies", 3, nodeDies},
	}
)

// nodeStops stops a node that owes an answer.
func nodeStops(t *testing.T, s Suite, nodes []adapter.Adapter) {
	Launch(t, nodes[:2]...)
	stop := LaunchOne(t, nodes[2])
	s.nodeGoes(t, nodes, stop)
	if !s.Lacks.Mesh {
		if alive := nodes[2].(adapter.Mesh).Nodes(); !slices.Equal(alive, []string{name(nodes[2])}) {
			t.Errorf("a node that has stopped knows %q", alive)
		}
	}
}

// nodeDies kills a node that owes an answer.
func nodeDies(t *testing.T, s Suite, nodes []adapter.Adapter) {
	Launch(t, nodes...)
	s.nodeGoes(t, nodes, func() { s.Kill(t, nodes[2]) })
}

// unnoticed reports whether a question may wait for a node that has gone.
func (s Suite) unnoticed() bool { return s.Lacks.Mesh || s.Lacks.Names }

// nodeGoes lets the last node end, and looks what the others do about it.
func (s Suite) nodeGoes(t *testing.T, nodes []adapter.Adapter, end func()) {
	members := Open(t, "/", nodes...)
	WaitServers(t, members...)
	if !s.Lacks.Mesh {
		waitNodes(t, nodes...)
	}
	timeout := patience
	if s.unnoticed() {
		timeout = 2 * time.Second
	}
	q := s.held(t, timeout, members[0], members[2])
	members[1].Next(t)
	end()
	err := q.Wait(t.Context())
	s.missing(t, err, nodes[2])
	if !s.unnoticed() && errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait: %v; the node was waited for until the time was over", err)
	}
	WaitServers(t, members[:2]...)
	if !s.Lacks.Mesh {
		waitNodes(t, nodes[:2]...)
	}
	if got, err := members[0].Question(t, s.Lacks.pick(t, 2)); len(got) != 1 || err != nil {
		t.Errorf("without it %d answers, %v; want 1 and nil", len(got), err)
	}
}
