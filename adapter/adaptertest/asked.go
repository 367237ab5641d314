package adaptertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// asked are the tests of questions.
var asked = []test{
	{"servers are counted", 3, serversCounted},
	{"questions", 3, answered},
	{"nobody else", 1, nobodyElse},
	{"questions keep their place", 3, questionsInOrder},
	{"answers later", 3, answersLater},
	{"concurrent questions", 3, concurrentQuestions},
	{"a node that does not answer", 3, silentNode},
	{"nothing is left of questions", 2, nothingLeft},
	{"nodes that come and go", 3, comeAndGo},
	{"closed with questions open", 2, closedWithQuestions},
	{"stopped with questions open", 2, stoppedWithQuestions},
	{"not running", 1, notRunning},
}

func serversCounted(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	other := Open(t, "/other", nodes[0])
	WaitServers(t, members...)
	waitCount(t, other[0], 1)
	members[2].Close()
	WaitServers(t, members[:2]...)
	if _, err := members[2].Servers(t.Context()); err == nil {
		t.Error("Servers of a closed namespace returned no error")
	}
	members[2] = Open(t, "/", nodes[2])[0]
	WaitServers(t, members...)
}

// answered asks everything that can be asked.
func answered(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	for _, q := range questions() {
		if s.Lacks.ask(q.op.Kind) || q.without != nil && q.without(s.Lacks) {
			continue
		}
		t.Run(q.name, func(t *testing.T) { s.question(t, nodes, members, q) })
	}
	for _, kind := range append(s.Lacks.Ask, 0, 200) {
		q := adapter.NewQuery(&adapter.Operation{Kind: kind, Timeout: patience}, func(adapter.Answer) {})
		if err := members[0].Ask(q); !errors.Is(err, adapter.ErrKind) {
			t.Errorf("kind %d: %v, want adapter.ErrKind", kind, err)
		}
	}
}

func (s Suite) question(t *testing.T, nodes []adapter.Adapter, members []*Member, q question) {
	var want []adapter.Answer
	for i, answers := range q.answers {
		members[i+1].Answers(func(_ *adapter.Operation, reply func(adapter.Answer)) {
			for _, a := range answers {
				reply(a)
			}
		})
		for _, a := range answers {
			a.Node = name(nodes[i+1])
			want = append(want, a)
		}
	}
	got, err := members[0].Question(t, &q.op)
	if err != nil {
		t.Errorf("Wait: %v", err)
	}
	s.Lacks.sameAnswers(t, &q.op, got, want)
	for _, m := range members[1:] {
		arrived := m.Next(t)
		if diff := difference(arrived, &q.op); diff != "" {
			t.Errorf("a question did not arrive as it was asked: %s", diff)
		}
		if arrived.Timeout <= 0 {
			t.Error("a question arrived without its timeout")
		}
	}
}

// pick returns a question that the adapter can ask.
func (l Lacks) pick(t *testing.T, n int) *adapter.Operation {
	t.Helper()
	for _, kind := range []adapter.Kind{adapter.ServerSide, adapter.Broadcast} {
		if !l.ask(kind) {
			op := Event("ask", n)
			op.Kind, op.Timeout = kind, patience
			return op
		}
	}
	t.Skip("the adapter lacks the questions that this is about")
	return nil
}

func nobodyElse(t *testing.T, s Suite, nodes []adapter.Adapter) {
	m := Open(t, "/", Start(t, nodes...)...)[0]
	got, err := m.Question(t, s.Lacks.pick(t, 1))
	if len(got) != 0 || err != nil {
		t.Errorf("%d answers, %v; want none and nil", len(got), err)
	}
}

// questionsInOrder mixes questions and what is published.
func questionsInOrder(t *testing.T, s Suite, nodes []adapter.Adapter) {
	if s.Lacks.Place {
		return
	}
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	const n = 300
	for i := range n {
		if i%3 != 0 {
			members[0].Send(t, Event("ask", i))
			continue
		}
		op := s.Lacks.pick(t, i)
		q := adapter.NewQuery(op, func(adapter.Answer) {})
		if err := members[0].Ask(q); err != nil {
			t.Fatalf("Ask: %v", err)
		}
		defer func() {
			if err := q.Wait(t.Context()); err != nil {
				t.Errorf("Wait: %v", err)
			}
		}()
	}
	for _, m := range members[1:] {
		for i := range n {
			if _, got := decode(t, m.Next(t)); got != i {
				t.Fatalf("operation %d arrived in the place of %d", got, i)
			}
		}
	}
}

// answersLater lets the nodes answer from other goroutines, in another order.
func answersLater(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	var answering sync.WaitGroup
	defer answering.Wait()
	first := make(chan struct{})
	for i, m := range members[1:] {
		m.Answers(func(op *adapter.Operation, reply func(adapter.Answer)) {
			answering.Go(func() {
				if i == 0 { // not before the other has
					<-first
				}
				reply(returned(string(op.Event.Data)))
				if i == 1 {
					close(first)
				}
			})
		})
	}
	op := s.Lacks.pick(t, 7)
	got, err := members[0].Question(t, op)
	if len(got) != 2 || err != nil {
		t.Errorf("%d answers, %v; want 2 and nil", len(got), err)
	}
}

func concurrentQuestions(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	for _, m := range members {
		m.Answers(func(op *adapter.Operation, reply func(adapter.Answer)) {
			reply(adapter.Answer{Value: adapter.Event{Data: op.Event.Data}})
		})
	}
	var asking sync.WaitGroup
	for node, m := range members {
		for a := range 10 {
			asking.Go(func() {
				for i := range 20 {
					op := s.Lacks.pick(t, (node*10+a)*20+i)
					got, err := m.Question(t, op)
					if err != nil || len(got) != 2 {
						t.Errorf("%d answers, %v", len(got), err)
					}
					for _, answer := range got {
						if op.Kind == adapter.ServerSide && string(answer.Value.Data) != string(op.Event.Data) {
							t.Errorf("%s was answered to %s", answer.Value.Data, op.Event.Data)
						}
					}
				}
			})
		}
	}
	asking.Wait()
}

// silentNode asks two nodes of which one does not answer.
func silentNode(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	if !s.Lacks.Mesh {
		waitNodes(t, nodes...)
	}
	members[2].Answers(func(*adapter.Operation, func(adapter.Answer)) {})
	op := s.Lacks.pick(t, 1)
	op.Timeout = 2 * time.Second
	got, err := members[0].Question(t, op)
	missing := s.missing(t, err, nodes[2])
	if len(got) != 1 || missing.Acks != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d answers, %v; want 1, and that the time was over", len(got), err)
	}
}

// nothingLeft asks more than may be asked at a time, and waits for none of it.
func nothingLeft(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	WaitServers(t, members...)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range adapter.MaxQueries + 10 {
		q := adapter.NewQuery(s.Lacks.pick(t, 1), func(adapter.Answer) {})
		Wait(t, "asked", func() error { // the adapter's queue may be full for a moment
			err := members[0].Ask(q)
			if errors.Is(err, adapter.ErrTooManyQueries) {
				t.Fatal("questions that are over still count")
			}
			return err
		})
		if err := q.Wait(over); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("Wait: %v", err)
		}
	}
}

// missing checks that err says that one node is missing, and that one.
func (s Suite) missing(t *testing.T, err error, node adapter.Adapter) *adapter.MissingError {
	t.Helper()
	var missing *adapter.MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("Wait: %v, want a *adapter.MissingError", err)
	}
	want := adapter.MissingError{Nodes: []string{name(node)}}
	if s.Lacks.Names || s.Lacks.Mesh {
		want = adapter.MissingError{Others: 1}
	}
	if !slices.Equal(missing.Nodes, want.Nodes) || missing.Others != want.Others {
		t.Errorf("missing are nodes %q and %d others, want %q and %d", missing.Nodes, missing.Others, want.Nodes, want.Others)
	}
	return missing
}
