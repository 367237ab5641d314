package adaptertest

import (
	"errors"
	"testing"

	"github.com/damso/damso/adapter"
)

// kinds publishes operations of each kind: an adapter carries them, or says that it
// does not know them where the suite allows that.
func kinds(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	for _, op := range []*adapter.Operation{
		{Kind: adapter.Join, Rooms: []string{"a"}, Except: []string{"b"}, Names: []string{"c", "대화방"}},
		{Kind: adapter.Leave, Names: []string{"c"}},
		{Kind: adapter.Disconnect, Rooms: []string{"a", "b"}, Close: true},
		{Kind: adapter.Disconnect},
		{Kind: adapter.ServerSide, Event: Event("hello", 1).Event},
	} {
		err := members[0].Publish(op)
		switch {
		case s.Lacks.publish(op.Kind) && errors.Is(err, adapter.ErrKind):
		case err != nil:
			t.Errorf("kind %d: %v", op.Kind, err)
		default:
			members[1].Want(t, op)
			members[2].Want(t, op)
		}
	}
	for _, kind := range []adapter.Kind{0, adapter.Fetch, adapter.Rooms, 200} {
		if err := members[0].Publish(&adapter.Operation{Kind: kind}); !errors.Is(err, adapter.ErrKind) {
			t.Errorf("kind %d, which can't be published: %v, want adapter.ErrKind", kind, err)
		}
	}
	last := Event("last", 0)
	members[0].Send(t, last)
	members[1].Want(t, last)
	members[2].Want(t, last)
}

// closedAndOpened closes a namespace on one node, and opens it there again.
func closedAndOpened(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	other := Open(t, "/other", nodes...)
	members[0].Send(t, Event("before", 1))
	members[1].Want(t, Event("before", 1))
	for round := range 20 {
		old := members[1]
		old.Close()
		old.Close()
		if err := old.Publish(Event("closed", 1)); !errors.Is(err, adapter.ErrClosed) {
			t.Fatalf("Publish: %v, want adapter.ErrClosed", err)
		}
		if round%2 == 0 { // or it is opened again while it is being closed
			other[0].Send(t, Event("between", round))
			other[1].Want(t, Event("between", round))
		}
		members[1] = Open(t, "/", nodes[1])[0]
		members[0].Send(t, Event("again", round))
		members[1].Want(t, Event("again", round))
		members[1].Send(t, Event("back", round))
		members[0].Want(t, Event("back", round))
		select {
		case op := <-old.arrived:
			t.Errorf("arrived at what was closed: %s", op.Event.Data)
		default:
		}
	}
}
