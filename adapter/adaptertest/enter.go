package adaptertest

import (
	"errors"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// Enter says on all nodes that a room has members, and returns when each of them hears
// what is sent to it. There must be two nodes at least, and nothing else on its way.
func Enter(t testing.TB, members []*Member, room string) {
	t.Helper()
	for _, m := range members {
		m.Room(room, false, true)
	}
	probe(t, members[0], members[1:], room)
	probe(t, members[1], append([]*Member{members[0]}, members[2:]...), room)
}

// probe returns when all of to hear what from sends to the room, and have heard it.
func probe(t testing.TB, from *Member, to []*Member, room string) {
	t.Helper()
	again := Event("probe", 0, room)
	for _, m := range to {
		Wait(t, "in the room", func() error {
			from.Send(t, again)
			select {
			case <-m.arrived:
				return nil
			case <-time.After(10 * time.Millisecond):
				return errors.New("what is sent to it does not arrive")
			}
		})
	}
	last := Event("probed", 0, room)
	from.Send(t, last)
	for _, m := range to {
		for op := m.Next(t); difference(op, last) != ""; op = m.Next(t) {
			if diff := difference(op, again); diff != "" {
				t.Fatalf("an operation did not arrive as it was published: %s", diff)
			}
		}
	}
}

// WaitServers waits until each member counts as many servers as there are members.
func WaitServers(t testing.TB, members ...*Member) {
	t.Helper()
	for _, m := range members {
		waitCount(t, m, len(members))
	}
}

func waitCount(t testing.TB, m *Member, want int) {
	t.Helper()
	Wait(t, "counted", func() error {
		switch n, err := m.Servers(t.Context()); {
		case err != nil:
			return err
		case n != want:
			return errors.New("the number of servers differs")
		}
		return nil
	})
}

// rooms are the tests of adapters that subscribe to rooms one by one; the others pass
// them, too.
var rooms = []test{
	{"rooms come and go", 2, roomsComeAndGo},
	{"a socket's own room", 2, ownRoom},
}

func roomsComeAndGo(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	Enter(t, members, "other")
	for _, room := range []string{"r", "대화방", "", "a#b#", `*?[a]\`, "a.b c>"} {
		for range 5 { // ends with members
			members[1].Room(room, false, true)
			members[1].Room(room, false, false)
		}
		Enter(t, members, room)
		for i := range 50 {
			members[0].Send(t, Event("in", i, room))
		}
		for i := range 50 {
			members[1].Want(t, Event("in", i, room))
		}
		members[1].Room(room, false, false)
		for i := range 5 { // whether they arrive is up to the adapter
			members[0].Send(t, Event("out", i, room))
		}
		all := Event("all", 0) // what is for all does
		members[0].Send(t, all)
		for op := members[1].Next(t); difference(op, all) != ""; op = members[1].Next(t) {
			if name, _ := decode(t, op); name != "out" {
				t.Fatalf("%s arrived again", name)
			}
		}
		members[0].Send(t, Event("still", 0, "other"))
		members[1].Want(t, Event("still", 0, "other"))
	}
}

func ownRoom(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	const id = "abcdefghij0123456789"
	members[1].Room(id, true, true)
	probe(t, members[0], members[1:], id)
	for i := range 50 {
		members[0].Send(t, Event("own", i, id))
	}
	for i := range 50 {
		members[1].Want(t, Event("own", i, id))
	}
	members[1].Room(id, true, false)
}
