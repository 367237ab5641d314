package adaptertest

import (
	"errors"
	"testing"

	"github.com/damso/damso/adapter"
)

// kinds publishes operations of each kind: an adapter carries them, or says that it
// does not know them.
func kinds(t *testing.T, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	for _, op := range []*adapter.Operation{
		{Kind: adapter.Join, Rooms: []string{"a"}, Except: []string{"b"}, Names: []string{"c", "대화방"}},
		{Kind: adapter.Leave, Names: []string{"c"}},
		{Kind: adapter.Disconnect, Rooms: []string{"a", "b"}, Close: true},
		{Kind: adapter.Disconnect},
		{Kind: adapter.ServerSide, Event: Event("hello", 1).Event},
	} {
		switch err := members[0].Publish(op); {
		case err == nil:
			members[1].Want(t, op)
			members[2].Want(t, op)
		case !errors.Is(err, adapter.ErrKind):
			t.Errorf("kind %d: %v, want nil or adapter.ErrKind", op.Kind, err)
		}
	}
	last := Event("last", 0)
	members[0].Send(t, last)
	members[1].Want(t, last)
	members[2].Want(t, last)
}
