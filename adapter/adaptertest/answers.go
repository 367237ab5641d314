package adaptertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/damso/damso/adapter"
)

// Question asks what op asks, and returns the answers and what [adapter.Query.Wait]
// says. If op.Timeout is zero, it is as long as the suite has patience.
func (m *Member) Question(t testing.TB, op *adapter.Operation) ([]adapter.Answer, error) {
	t.Helper()
	if op.Timeout == 0 {
		op.Timeout = patience
	}
	var got []adapter.Answer
	q := adapter.NewQuery(op, func(a adapter.Answer) { got = append(got, a) })
	if err := m.Ask(q); err != nil {
		t.Fatalf("Ask: %v", err)
	}
	err := q.Wait(t.Context())
	return got, err
}

// cut takes out of an answer what the wire format has no place for, and what has no
// meaning for op.
func (l Lacks) cut(op *adapter.Operation, a adapter.Answer) adapter.Answer {
	if l.Names {
		a.Node = ""
	}
	if l.AckSockets || !a.Ack {
		a.Socket = ""
	}
	if l.AckArguments && a.Ack {
		a.Value = firstArgument(a.Value)
	}
	if a.Ack || op.Kind == adapter.Fetch || op.Kind == adapter.Rooms || op.Kind == adapter.ServerSide {
		a.Count = 0
	}
	return a
}

func firstArgument(e adapter.Event) adapter.Event {
	var arguments []json.RawMessage
	if json.Unmarshal(e.Data, &arguments) == nil && len(arguments) > 1 {
		e.Data = slices.Concat([]byte("["), arguments[0], []byte("]"))
	}
	return e
}

// describe renders an answer, so that equal ones have equal texts.
func (l Lacks) describe(op *adapter.Operation, a adapter.Answer) string {
	a = l.cut(op, a)
	var sockets []string
	for _, s := range a.Sockets {
		if op.Brief {
			s = adapter.Socket{ID: s.ID}
		}
		sockets = append(sockets, fmt.Sprintf("{%q %s handshake %s data %s}", s.ID, names(s.Rooms), s.Handshake, value(s.Data)))
	}
	slices.Sort(sockets)
	return fmt.Sprintf("node %q ack %v socket %q count %d value %s err %q rooms %s sockets %s",
		a.Node, a.Ack, a.Socket, a.Count, value(a.Value), a.Err, names(a.Rooms), strings.Join(sockets, " "))
}

func names(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return fmt.Sprintf("%q", list)
}

// value renders a value. None is null.
func value(e adapter.Event) string {
	if e.Data == nil || string(e.Data) == "null" {
		return "null"
	}
	return fmt.Sprintf("%s %x", e.Data, e.Attachments)
}

// sameAnswers fails the test if the answers are others than those that were given, in
// whatever order.
func (l Lacks) sameAnswers(t *testing.T, op *adapter.Operation, got, want []adapter.Answer) {
	t.Helper()
	render := func(list []adapter.Answer) (texts []string) {
		for _, a := range list {
			texts = append(texts, l.describe(op, a))
		}
		slices.Sort(texts)
		return texts
	}
	if g, w := render(got), render(want); !slices.Equal(g, w) {
		t.Errorf("got %d answers\n%s\nwant %d\n%s", len(g), strings.Join(g, "\n"), len(w), strings.Join(w, "\n"))
	}
}

// name is what the answers of a node have in Node.
func name(node adapter.Adapter) string {
	if mesh, ok := node.(adapter.Mesh); ok {
		return mesh.Node()
	}
	return ""
}
