package adapter_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
)

// TestQuery plays what an adapter does with a query, and says how that ends.
func TestQuery(t *testing.T) {
	from := func(id string) adapter.Answer { return adapter.Answer{Node: id} }
	asked := func(id string, n int) adapter.Answer { return adapter.Answer{Node: id, Count: n} }
	ack := func(id string) adapter.Answer { return adapter.Answer{Node: id, Ack: true} }
	stopped := errors.New("stopped")
	tests := []struct {
		name   string
		play   func(q *adapter.Query)
		got    int                   // answers that arrived
		missed *adapter.MissingError // nil if nothing is missing
	}{
		{"nobody", func(q *adapter.Query) { q.Expect(nil, 0) }, 0, nil},
		{"all", func(q *adapter.Query) {
			q.Expect([]string{"a"}, 1)
			q.Answer(from("a"))
			q.Answer(from(""))
		}, 2, nil},
		{"before it is known who", func(q *adapter.Query) {
			q.Answer(from(""))
			q.Answer(from("a"))
			q.Answer(from("a"))
			q.Expect([]string{"a"}, 1)
		}, 2, nil},
		{"twice is once", func(q *adapter.Query) {
			q.Expect([]string{"a", "b"}, 0)
			q.Answer(from("a"))
			q.Answer(from("a"))
		}, 1, &adapter.MissingError{Nodes: []string{"b"}, Err: context.DeadlineExceeded}},
		{"a new node, counted but not known", func(q *adapter.Query) {
			q.Expect([]string{"a"}, 1)
			q.Answer(from("new"))
			q.Answer(from("new"))
			q.Answer(from("a"))
		}, 2, nil},
		{"a new node, before it is known who", func(q *adapter.Query) {
			q.Answer(from("new"))
			q.Expect([]string{"a"}, 1)
			q.Answer(from("a"))
		}, 2, nil},
		{"a new node, before and after it is known who", func(q *adapter.Query) {
			q.Answer(from("new"))
			q.Expect(nil, 2)
			q.Answer(from("new"))
		}, 1, &adapter.MissingError{Others: 1, Err: context.DeadlineExceeded}},
		{"nobody answers", func(q *adapter.Query) { q.Expect([]string{"b", "a"}, 2) }, 0,
			&adapter.MissingError{Nodes: []string{"a", "b"}, Others: 2, Err: context.DeadlineExceeded}},
		{"never known who", func(q *adapter.Query) { q.Answer(from("a")) }, 1,
			&adapter.MissingError{Err: context.DeadlineExceeded}},
		{"acks", func(q *adapter.Query) {
			q.Expect([]string{"a"}, 1)
			q.Answer(ack("a"))
			q.Answer(asked("", 1))
			q.Answer(asked("a", 2))
			q.Answer(ack(""))
			q.Answer(ack("a"))
		}, 5, nil},
		{"an ack is missing", func(q *adapter.Query) {
			q.Expect(nil, 1)
			q.Answer(asked("", 3))
			q.Answer(ack(""))
		}, 2, &adapter.MissingError{Acks: 2, Err: context.DeadlineExceeded}},
		{"lost", func(q *adapter.Query) {
			q.Expect([]string{"a", "b"}, 0)
			q.Answer(from("a"))
			q.Lost("a")
			q.Lost("b")
		}, 1, &adapter.MissingError{Nodes: []string{"b"}}},
		{"lost before it is known who", func(q *adapter.Query) {
			q.Lost("b")
			q.Expect([]string{"a", "b"}, 0)
			q.Answer(from("a"))
		}, 1, &adapter.MissingError{Nodes: []string{"b"}}},
		{"lost with acks to come", func(q *adapter.Query) {
			q.Expect([]string{"a"}, 0)
			q.Answer(asked("a", 5))
			q.Lost("a")
		}, 1, &adapter.MissingError{Nodes: []string{"a"}}},
		{"gone and not counted, and back", func(q *adapter.Query) {
			q.Lost("b")
			q.Expect([]string{"a"}, 1)
			q.Answer(from("b"))
			q.Answer(from("a"))
		}, 2, &adapter.MissingError{Others: 1, Err: context.DeadlineExceeded}},
		{"not all counted", func(q *adapter.Query) {
			q.Doubt(stopped)
			q.Expect([]string{"a"}, 0)
			q.Answer(from("a"))
		}, 1, &adapter.MissingError{Unknown: true, Err: stopped}},
		{"not all counted, not all answered", func(q *adapter.Query) {
			q.Doubt(stopped)
			q.Expect([]string{"a", "b"}, 0)
			q.Answer(from("a"))
		}, 1, &adapter.MissingError{Nodes: []string{"b"}, Unknown: true, Err: stopped}},
		{"failed", func(q *adapter.Query) {
			q.Expect([]string{"a"}, 0)
			q.Fail(stopped)
			q.Answer(from("a"))
		}, 1, &adapter.MissingError{Err: stopped}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got, ended int
				op := &adapter.Operation{Kind: adapter.Broadcast, Timeout: time.Second}
				q := adapter.NewQuery(op, func(adapter.Answer) { got++ })
				q.OnEnd(func() { ended++ })
				test.play(q)
				err := q.Wait(t.Context())
				q.Answer(from("late"))
				q.OnEnd(func() { ended++ })
				if got != test.got || ended != 2 {
					t.Errorf("%d answers, ended %d times; want %d and 2", got, ended, test.got)
				}
				var missed *adapter.MissingError
				errors.As(err, &missed)
				if (missed == nil) != (test.missed == nil) {
					t.Fatalf("error %v, want %v", err, test.missed)
				}
				if missed == nil {
					return
				}
				t.Log(err)
				if !slices.Equal(missed.Nodes, test.missed.Nodes) || missed.Others != test.missed.Others || missed.Acks != test.missed.Acks || missed.Unknown != test.missed.Unknown {
					t.Errorf("missing %+v, want %+v", missed, test.missed)
				}
				if test.missed.Err == nil && errors.Is(err, context.DeadlineExceeded) {
					t.Error("it was waited for those that are gone")
				}
				if test.missed.Err != nil && !errors.Is(err, test.missed.Err) {
					t.Errorf("because of %v, want %v", missed.Err, test.missed.Err)
				}
			})
		})
	}
}

// TestQueryContext ends a query by its context.
func TestQueryContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := adapter.NewQuery(&adapter.Operation{Kind: adapter.Fetch, Timeout: time.Hour}, func(adapter.Answer) {})
	q.Expect(nil, 1)
	if err := q.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
}
