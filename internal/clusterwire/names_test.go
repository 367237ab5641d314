package clusterwire

import (
	"strings"
	"testing"

	"github.com/damso/damso/adapter"
)

// TestChannelAsNode compares the channels, and the names of streams.
func TestChannelAsNode(t *testing.T) {
	modes := map[string]Subscription{"sharded, dynamic": Dynamic, "sharded, dynamic-private": DynamicPrivate, "sharded, static": Static}
	for _, r := range recordings(t) {
		m := r.message()
		if m.Op == nil {
			continue
		}
		t.Run(r.From+"/"+r.Name, func(t *testing.T) {
			got := Channel("socket.io", r.Nsp)
			switch mode, sharded := modes[r.From]; {
			case r.Command == "XADD" && r.From == "streams, 3 of them":
				got = Stream("socket.io", r.Nsp, 3)
			case r.Command == "XADD":
				got = Stream("socket.io", r.Nsp, 1)
			case sharded && m.ID == "":
				if room, ok := mode.RoomChannel(m.Op); ok {
					got += room + "#"
				}
			}
			if got != r.Channel {
				t.Errorf("%q, want %q", got, r.Channel)
			}
		})
	}
}

func TestRoomChannel(t *testing.T) {
	one := func(room string) *adapter.Operation {
		return &adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{room}}
	}
	for _, test := range []struct {
		mode Subscription
		op   *adapter.Operation
		want bool
	}{
		{Dynamic, one("a"), true},
		{Dynamic, one(""), true},
		{Dynamic, one(strings.Repeat("a", 20)), false},
		{Dynamic, one(strings.Repeat("가", 20)), false},
		{Dynamic, one(strings.Repeat("👋", 10)), false},
		{Dynamic, one(strings.Repeat("a", 21)), true},
		{DynamicPrivate, one(strings.Repeat("a", 20)), true},
		{Static, one("a"), false},
		{Dynamic, &adapter.Operation{Kind: adapter.Broadcast}, false},
		{Dynamic, &adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{"a", "b"}}, false},
		{Dynamic, &adapter.Operation{Kind: adapter.Join, Rooms: []string{"a"}}, false},
	} {
		if room, ok := test.mode.RoomChannel(test.op); ok != test.want || ok && room != test.op.Rooms[0] {
			t.Errorf("%v, %v: %q, %v", test.mode, test.op.Rooms, room, ok)
		}
	}
}

func TestStream(t *testing.T) {
	// As Java's String.hashCode has it, 32 bits wide.
	for nsp, want := range map[string]string{"/": "s-2", "/chat": "s-3", "/대화": "s-4", "/zzzzzzzz": "s--3"} {
		if got := Stream("s", nsp, 5); got != want {
			t.Errorf("Stream(%q) is %q, want %q", nsp, got, want)
		}
	}
}
