package socketio

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMembership compares the rooms with a naive model of them: for each socket
// that is connected, the set of rooms that it is in.
func TestMembership(t *testing.T) { rapid.Check(t, checkMembership) }

func checkMembership(t *rapid.T) {
	const maxSockets = 8
	m := newMembership()
	model := map[*Socket]map[string]bool{}
	var sockets, left []*Socket
	names := []string{"a", "b", "c", "", "#"}
	for i := range maxSockets {
		s := &Socket{id: fmt.Sprint("id", i)}
		sockets = append(sockets, s)
		names = append(names, s.id)
	}
	socket := rapid.SampledFrom(sockets)
	name := rapid.SampledFrom(names)
	some := rapid.SliceOfN(name, 0, 4)

	t.Repeat(map[string]func(*rapid.T){
		"add": func(t *rapid.T) {
			s := socket.Draw(t, "socket")
			if model[s] != nil || slices.Contains(left, s) {
				t.Skip("was there")
			}
			m.add(s)
			model[s] = map[string]bool{s.id: true}
		},
		"remove": func(t *rapid.T) {
			s := socket.Draw(t, "socket")
			m.remove(s)
			if model[s] != nil {
				left = append(left, s)
			}
			delete(model, s)
		},
		"join": func(t *rapid.T) {
			s, room := socket.Draw(t, "socket"), name.Draw(t, "room")
			m.join(s, room)
			if model[s] != nil {
				model[s][room] = true
			}
		},
		"leave": func(t *rapid.T) {
			s, room := socket.Draw(t, "socket"), name.Draw(t, "room")
			m.leave(s, room)
			if room != s.id {
				delete(model[s], room)
			}
		},
		"each": func(t *rapid.T) {
			rooms, except := some.Draw(t, "rooms"), some.Draw(t, "except")
			var got []string
			m.each(rooms, except, func(s *Socket) { got = append(got, s.id) })
			want := naive(model, rooms, except)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Fatalf("to %q except %q: %q, want %q", rooms, except, got, want)
			}
			if m.selectsNone(rooms) && len(naive(model, rooms, nil)) > 0 {
				t.Fatalf("rooms %q are said to be empty", rooms)
			}
		},
		"": func(t *rapid.T) { checkInvariants(t, &m, model, sockets) },
	})
}

// naive returns the ids that a broadcast selects, in order.
func naive(model map[*Socket]map[string]bool, rooms, except []string) []string {
	var ids []string
	for s, in := range model {
		isIn := func(room string) bool { return in[room] }
		if (len(rooms) == 0 || slices.ContainsFunc(rooms, isIn)) && !slices.ContainsFunc(except, isIn) {
			ids = append(ids, s.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// checkInvariants compares what each socket is in, and that no empty room is kept.
func checkInvariants(t *rapid.T, m *membership, model map[*Socket]map[string]bool, sockets []*Socket) {
	kept := map[string]bool{}
	for _, s := range sockets {
		got := m.roomsOf(s)
		if len(got) > 0 && got[0] != s.id {
			t.Fatalf("rooms of %s begin with %s", s.id, got[0])
		}
		want := slices.Sorted(maps.Keys(model[s]))
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Fatalf("rooms of %s: %q, want %q", s.id, got, want)
		}
		for _, room := range want {
			if room != s.id {
				kept[room] = true
			}
		}
		if model[s] == nil && s.places != nil {
			t.Fatalf("%s is in %d places, and not connected", s.id, len(s.places))
		}
	}
	if got, want := slices.Sorted(maps.Keys(m.rooms)), slices.Sorted(maps.Keys(kept)); !slices.Equal(got, want) {
		t.Fatalf("rooms %q are kept, want %q", got, want)
	}
	if len(m.all.sockets) != len(model) || len(m.byID) != len(model) {
		t.Fatalf("%d sockets, %d ids, want %d", len(m.all.sockets), len(m.byID), len(model))
	}
}

func BenchmarkRoomsEach(b *testing.B) {
	m := newMembership()
	for i := range 1000 {
		s := &Socket{id: fmt.Sprint("id", i)}
		m.add(s)
		m.join(s, "all")
		m.join(s, fmt.Sprint("tenth ", i%10))
	}
	n := 0
	count := func(*Socket) { n++ }
	for _, bench := range []struct {
		name          string
		rooms, except []string
		want          int
	}{
		{"namespace", nil, nil, 1000},
		{"one room", []string{"all"}, nil, 1000},
		{"two rooms", []string{"all", "tenth 1"}, nil, 1000},
		{"except one", nil, []string{"id7"}, 999},
		{"except a room", []string{"all"}, []string{"tenth 1"}, 900},
		{"one socket", []string{"id7"}, nil, 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n = 0
				m.each(bench.rooms, bench.except, count)
			}
			if n != bench.want {
				b.Errorf("%d sockets, want %d", n, bench.want)
			}
		})
	}
}
