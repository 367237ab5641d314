package adaptertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// A Faulty suite says what every adapter promises on a network that drops, delays,
// duplicates, reorders, and lies about the number of nodes: what arrives is what was
// sent, a question ends in its time with what has arrived and who is missing, nothing is
// left of it, and when the faults are over, all is as it was.
type Faulty struct {
	// Suite makes clusters whose network has faults from the beginning. Of its fields
	// Cluster and Lacks are used.
	Suite

	// Heal ends the faults of a cluster. What is late may still arrive.
	Heal func(nodes []adapter.Adapter)

	// Lies says that the network is wrong about who is there. A question may then end
	// before all have answered, and miss nodes that do not exist.
	Lies bool
}

// Run runs the suite.
func (f Faulty) Run(t *testing.T) {
	tests := []struct {
		name string
		run  func(t *testing.T, nodes []adapter.Adapter)
	}{
		{"what arrives was sent", f.arrives},
		{"questions end", f.questionsEnd},
		{"acknowledgements end", f.acksEnd},
		{"nodes come and go", f.comeAndGo},
		{"messages", f.messages},
	}
	for _, test := range tests {
		if test.name == "messages" && f.Lacks.Mesh {
			continue
		}
		t.Run(test.name, func(t *testing.T) { test.run(t, f.Cluster(t, 3)) })
	}
}

// whole looks that after the faults everything arrives, in order, and is answered.
func (f Faulty) whole(t *testing.T, nodes []adapter.Adapter, members []*Member) {
	t.Helper()
	f.Heal(nodes)
	WaitServers(t, members...)
	for i := range 100 {
		members[0].Send(t, Event("healed", i))
	}
	for _, m := range members[1:] {
		for i := 0; i < 100; {
			name, n := decode(t, m.Next(t))
			switch {
			case name != "healed": // it is late
			case n != i:
				t.Fatalf("after the faults, operation %d arrived in the place of %d", n, i)
			default:
				i++
			}
		}
	}
	for _, m := range members {
		m.Answers(nil)
	}
	if got, err := members[0].Question(t, f.Lacks.pick(t, 1)); len(got) != 2 || err != nil {
		t.Errorf("after the faults, %d answers, %v; want 2 and nil", len(got), err)
	}
}

func (f Faulty) arrives(t *testing.T, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	other := Open(t, "/other", nodes...)
	const n = 300
	for i := range n {
		members[0].Send(t, Event("sent", i, "a", "b"))
		other[1].Send(t, Event("other", i))
	}
	f.Heal(nodes)
	last := Event("sent", n, "a", "b")
	members[0].Send(t, last)
	for _, m := range members[1:] {
		for {
			op := m.Next(t)
			_, i := decode(t, op)
			if diff := difference(op, Event("sent", i, "a", "b")); diff != "" || i > n {
				t.Fatalf("something arrived that was not sent: %s", diff)
			}
			if i == n {
				break
			}
		}
	}
	f.whole(t, nodes, members)
}

// short is how long a question waits in vain. Nothing depends on how many answers come
// meanwhile.
const short = 30 * time.Millisecond

func (f Faulty) questionsEnd(t *testing.T, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	for i, m := range members {
		m.Answers(func(op *adapter.Operation, reply func(adapter.Answer)) {
			reply(returned(fmt.Sprintf(`[%d,%s]`, i, op.Event.Data)))
		})
	}
	var asking sync.WaitGroup
	for from, m := range members {
		for i := range 40 {
			op := f.Lacks.pick(t, i)
			op.Timeout = short
			asking.Go(func() {
				got, err := m.Question(t, op)
				f.fair(t, nodes, from, got, err)
				for _, a := range got {
					if !strings.HasSuffix(string(a.Value.Data), fmt.Sprintf(",%s]", op.Event.Data)) {
						t.Errorf("%s is no answer to %s", a.Value.Data, op.Event.Data)
					}
				}
			})
		}
	}
	asking.Wait()
	f.whole(t, nodes, members)
}

// fair checks an end of a question: each node has answered once or is missing.
func (f Faulty) fair(t *testing.T, nodes []adapter.Adapter, from int, got []adapter.Answer, err error) {
	t.Helper()
	var missing *adapter.MissingError
	if err != nil && !errors.As(err, &missing) {
		t.Errorf("Wait: %v, want nil or a *adapter.MissingError", err)
	}
	if f.Lacks.Names || f.Lacks.Mesh {
		return
	}
	for i, node := range nodes {
		count := 0
		for _, a := range got {
			if a.Node == name(node) && !a.Ack {
				count++
			}
		}
		lost := missing != nil && slices.Contains(missing.Nodes, name(node))
		switch {
		case i == from && (count > 0 || lost):
			t.Error("a node has answered, or misses, itself")
		case i != from && count > 1:
			t.Errorf("a node has answered %d times", count)
		case i != from && !f.Lies && lost == (count == 1):
			t.Errorf("a node has answered %d times and is missing: %v", count, lost)
		}
	}
}

func (f Faulty) acksEnd(t *testing.T, nodes []adapter.Adapter) {
	if f.Lacks.ask(adapter.Broadcast) {
		return
	}
	members := Open(t, "/", Start(t, nodes...)...)
	for i, m := range members {
		m.Answers(func(_ *adapter.Operation, reply func(adapter.Answer)) {
			reply(ack(fmt.Sprint("first of ", i), `["first"]`))
			reply(count(2))
			reply(ack(fmt.Sprint("second of ", i), `["second"]`))
		})
	}
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			op := Event("ask", 1)
			op.Timeout = short
			got, err := members[0].Question(t, op)
			var missing *adapter.MissingError
			if err != nil && !errors.As(err, &missing) {
				t.Errorf("Wait: %v, want nil or a *adapter.MissingError", err)
			}
			for _, a := range got {
				if text := string(a.Value.Data); a.Ack && text != `["first"]` && text != `["second"]` {
					t.Errorf("%s was not acknowledged", text)
				}
			}
		})
	}
	asking.Wait()
	f.whole(t, nodes, members)
}

// comeAndGo closes and opens a namespace on one node, and stops another.
func (f Faulty) comeAndGo(t *testing.T, nodes []adapter.Adapter) {
	Launch(t, nodes[:2]...)
	stop := LaunchOne(t, nodes[2])
	members := Open(t, "/", nodes...)
	moving := make(chan struct{})
	var moved sync.WaitGroup
	moved.Go(func() { members[1] = move(t, nodes[1], members[1], moving) })
	for i := range 20 {
		op := f.Lacks.pick(t, i)
		op.Timeout = short
		if _, err := members[0].Question(t, op); err != nil {
			var missing *adapter.MissingError
			if !errors.As(err, &missing) {
				t.Errorf("Wait: %v, want nil or a *adapter.MissingError", err)
			}
		}
		members[0].Send(t, Event("e", i))
		if i == 10 {
			stop()
		}
	}
	close(moving)
	moved.Wait()
	f.Heal(nodes)
	WaitServers(t, members[:2]...)
	if got, err := members[0].Question(t, f.Lacks.pick(t, 1)); len(got) != 1 || err != nil {
		t.Errorf("after the faults, %d answers, %v; want 1 and nil", len(got), err)
	}
}

func (f Faulty) messages(t *testing.T, nodes []adapter.Adapter) {
	list := peers(t, nodes)
	Start(t, nodes...)
	for i := range 300 {
		for _, to := range []string{"", list[1].Node()} {
			if err := list[0].Send(to, fmt.Append(nil, "late ", i)); err != nil && !errors.Is(err, adapter.ErrNode) {
				t.Errorf("Send: %v", err)
			}
		}
	}
	f.Heal(nodes)
	waitNodes(t, nodes...)
	for i := range 100 {
		list[0].send(t, list[1].Node(), fmt.Sprint(i))
	}
	for i := 0; i < 100; {
		l := list[1].next(t, false)
		switch text := string(l.body); {
		case l.from != list[0].Node():
			t.Fatalf("%q of %q arrived", text, l.from)
		case strings.HasPrefix(text, "late "):
		case text != fmt.Sprint(i):
			t.Fatalf("after the faults, message %s arrived in the place of %d", text, i)
		default:
			i++
		}
	}
}
