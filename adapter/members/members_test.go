package members_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/damso/damso/adapter/members"
)

var (
	start = time.Unix(1_700_000_000, 0)
	me    = members.Node{ID: "me0000", Instance: 100}
)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func node(id string, instance uint64) members.Node {
	return members.Node{ID: id, Instance: instance}
}

// said writes changes as text: "+a/1 -b/2".
func said(changes []members.Change) string {
	var words []string
	for _, c := range changes {
		sign := "-"
		if c.Alive {
			sign = "+"
		}
		words = append(words, fmt.Sprintf("%s%s/%d", sign, c.Node.ID, c.Node.Instance))
	}
	return strings.Join(words, " ")
}

func TestSet(t *testing.T) {
	const a, b = "aaaaaa", "bbbbbb"
	type step struct {
		ms   int
		do   func(s *members.Set, now time.Time) []members.Change
		want string
	}
	hear := func(ms int, id string, instance uint64, want string) step {
		return step{ms, func(s *members.Set, now time.Time) []members.Change { return s.Hear(node(id, instance), now) }, want}
	}
	bye := func(ms int, id string, instance uint64, want string) step {
		return step{ms, func(s *members.Set, now time.Time) []members.Change { return s.Bye(node(id, instance), now) }, want}
	}
	expire := func(ms int, want string) step { return step{ms, (*members.Set).Expire, want} }
	deaf := func(ms int) step {
		return step{ms, func(s *members.Set, _ time.Time) []members.Change { s.Deaf(); return nil }, ""}
	}
	hearing := func(ms int) step {
		return step{ms, func(s *members.Set, now time.Time) []members.Change { s.Hearing(now); return nil }, ""}
	}
	tests := []struct {
		name     string
		steps    []step
		alive    []string
		collided bool
	}{
		{"alone", []step{hearing(0), expire(10_000, "")}, []string{me.ID}, false},
		{"itself is nobody new", []step{hear(0, me.ID, me.Instance, "")}, []string{me.ID}, false},
		{"one comes and is silent", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), hear(1000, a, 1, ""),
			expire(2000, ""), expire(3000, ""), expire(4499, ""), expire(4500, "-aaaaaa/1"), expire(4501, ""),
		}, []string{me.ID}, false},
		{"this node stood still", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), hear(0, b, 1, "+bbbbbb/1"), expire(1000, ""),
			expire(60_000, ""), hear(60_001, a, 1, ""), // it reads on
			expire(61_000, ""), expire(62_000, "-bbbbbb/1"), expire(63_500, ""), expire(63_501, "-aaaaaa/1"),
		}, []string{me.ID}, false},
		{"a late look is no standstill", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), expire(1500, ""), expire(3500, "-aaaaaa/1"),
		}, []string{me.ID}, false},
		{"one goes and comes", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), bye(10, a, 1, "-aaaaaa/1"), bye(10, a, 1, ""),
			hear(20, a, 2, "+aaaaaa/2"),
		}, []string{a, me.ID}, false},
		{"a late sign does not bring it back", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), bye(10, a, 1, "-aaaaaa/1"), hear(3000, a, 1, ""), expire(4000, ""),
		}, []string{me.ID}, false},
		{"the goodbye of another run", []step{hearing(0), hear(0, a, 1, "+aaaaaa/1"), bye(10, a, 2, ""), bye(10, b, 1, "")},
			[]string{a, me.ID}, false},
		{"of two with one id the smaller is right", []step{
			hearing(0), hear(0, a, 5, "+aaaaaa/5"), hear(1, a, 6, ""), hear(2, a, 4, "-aaaaaa/5 +aaaaaa/4"), hear(3, a, 5, ""),
			expire(2000, ""), hear(3400, b, 1, "+bbbbbb/1"), expire(3503, "-aaaaaa/4"), hear(3504, a, 5, "+aaaaaa/5"),
		}, []string{a, b, me.ID}, false},
		{"several expire in order", []step{
			hearing(0), hear(0, b, 1, "+bbbbbb/1"), hear(0, a, 1, "+aaaaaa/1"), expire(2000, ""), expire(4000, "-aaaaaa/1 -bbbbbb/1"),
		}, []string{me.ID}, false},
		{"who is deaf keeps everybody", []step{
			hearing(0), hear(0, a, 1, "+aaaaaa/1"), hear(0, b, 1, "+bbbbbb/1"), deaf(10), expire(60_000, ""),
			hearing(60_000), hear(61_000, b, 1, ""), hearing(61_500),
			expire(62_000, ""), expire(63_499, ""), expire(63_500, "-aaaaaa/1"),
		}, []string{b, me.ID}, false},
		{"a collision, and this one gives way", []step{hear(0, me.ID, 99, ""), hear(0, me.ID, 100, "")}, []string{me.ID}, true},
		{"a collision, and the other gives way", []step{hear(0, me.ID, 101, "")}, []string{me.ID}, false},
		{"no ids", []step{hear(0, "", 1, ""), hear(0, "aaaaa", 1, ""), hear(0, "aaaaaaa", 1, ""), hear(0, "aaaaa\n", 1, ""), hear(0, "aaa@aa", 1, "")},
			[]string{me.ID}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := members.New(me)
			for i, step := range test.steps {
				if got := said(step.do(s, at(step.ms))); got != step.want {
					t.Errorf("step %d: %q, want %q", i, got, step.want)
				}
			}
			var alive []string
			for _, n := range s.Alive() {
				alive = append(alive, n.ID)
				if !s.Knows(n.ID) {
					t.Errorf("it does not know %s", n.ID)
				}
				if other := node(n.ID, n.Instance+1); n.ID != me.ID && (!s.Has(n) || s.Has(other)) {
					t.Errorf("it does not tell the runs of %s apart", n.ID)
				}
			}
			if !slices.Equal(alive, test.alive) {
				t.Errorf("alive %v, want %v", alive, test.alive)
			}
			if s.Collided() != test.collided {
				t.Errorf("collided: %v, want %v", s.Collided(), test.collided)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	s := members.New(me)
	for i := range members.Max + 10 {
		s.Hear(node(fmt.Sprintf("%06d", i), 1), start)
	}
	if n := len(s.Alive()); n != members.Max+1 {
		t.Errorf("%d nodes are kept", n)
	}
	if s.Refused() != 10 {
		t.Errorf("%d refused, want 10", s.Refused())
	}
	s = members.New(me)
	s.Hear(members.Node{ID: "aaaaaa", Name: strings.Repeat("n", 1000)}, start)
	if n := len(s.Alive()[0].Name); n != members.MaxName {
		t.Errorf("a name of %d bytes is kept", n)
	}
}

// TestName: what a node says without its name does not take that from it.
func TestName(t *testing.T) {
	named := members.Node{ID: "aaaaaa", Instance: 2, Name: "one"}
	s := members.New(me)
	s.Hear(named, at(0))
	s.Hear(node("aaaaaa", 2), at(1))
	if got := s.Alive(); got[0] != named {
		t.Errorf("%+v, want %+v", got[0], named)
	}
	s.Hear(node("aaaaaa", 1), at(2)) // another, which is right
	if got := s.Alive(); got[0].Name != "" {
		t.Errorf("another node has the name: %+v", got[0])
	}
}

func TestLetters(t *testing.T) {
	if len(members.Letters) != 64 {
		t.Errorf("%d letters", len(members.Letters))
	}
	for _, c := range members.Letters {
		if !members.Valid(strings.Repeat(string(c), members.IDLen)) {
			t.Errorf("%q is no letter of an id", c)
		}
	}
}

// TestChangesAddUp plays at random, and compares what the changes say with what is
// alive, and with who has given a sign of life in time.
func TestChangesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := members.New(me)
		s.Hearing(start)
		now := start
		told := map[string]uint64{}    // by the changes
		last := map[string]time.Time{} // the last sign of any run with that id
		take := func(changes []members.Change) {
			for _, c := range changes {
				_, there := told[c.Node.ID]
				switch {
				case there == c.Alive:
					t.Fatalf("%s came or went twice", c.Node.ID)
				case c.Alive:
					told[c.Node.ID] = c.Node.Instance
				case told[c.Node.ID] != c.Node.Instance:
					t.Fatalf("%s went, but another run was there", c.Node.ID)
				default:
					delete(told, c.Node.ID)
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			take(s.Expire(now))
			n := node(rapid.SampledFrom([]string{"aaaaaa", "bbbbbb", "cccccc"}).Draw(t, "id"), uint64(rapid.IntRange(1, 3).Draw(t, "run")))
			if rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				take(s.Bye(n, now))
			} else {
				last[n.ID] = now
				take(s.Hear(n, now))
			}
		}
		take(s.Expire(now))
		if len(s.Alive()) != len(told)+1 {
			t.Fatalf("alive %v, told %v", s.Alive(), told)
		}
		for id := range told {
			if now.Sub(last[id]) >= members.Expiry {
				t.Fatalf("%s is alive though it was silent for %v", id, now.Sub(last[id]))
			}
		}
	})
}
