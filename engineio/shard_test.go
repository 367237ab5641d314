package engineio

import (
	"container/heap"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is scheduled and forgotten, sessions come up in the order of their
// times, each at the earliest that was asked for.
func TestShardTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var now time.Duration
		sh := newShard(func() time.Duration { return now })
		sessions := make([]*Session, 8)
		for i := range sessions {
			sessions[i] = &Session{}
		}
		model := map[*Session]time.Duration{}
		pick := rapid.SampledFrom(sessions)

		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) {
				s, when := pick.Draw(t, "session"), now+time.Duration(rapid.IntRange(1, 100).Draw(t, "in"))
				if old, ok := model[s]; !ok || when < old {
					model[s] = when
				}
				sh.schedule(s, when)
			},
			"forget": func(t *rapid.T) {
				s := pick.Draw(t, "session")
				delete(model, s)
				sh.forget(s)
			},
			"next": func(t *rapid.T) {
				now += time.Duration(rapid.IntRange(0, 50).Draw(t, "passes"))
				_, wait := sh.next()
				var last time.Duration
				for _, s := range sh.due {
					when, ok := model[s]
					if !ok || when > now || when < last {
						t.Fatalf("due at %d: %d (%t) after %d", now, when, ok, last)
					}
					last = when
					delete(model, s)
				}
				for _, when := range model {
					if when <= now || wait > when-now {
						t.Fatalf("one waits until %d at %d, and the shard for %d", when, now, wait)
					}
				}
			},
			"": func(t *rapid.T) {
				if len(sh.timers) != len(model) {
					t.Fatalf("%d timers, want %d", len(sh.timers), len(model))
				}
				for i, timer := range sh.timers {
					if timer.s.timer != i+1 || timer.when != model[timer.s] {
						t.Fatalf("timer %d: %+v, want %d", i, timer, model[timer.s])
					}
				}
			},
		})
		for len(sh.timers) > 0 {
			if s := heap.Pop(&sh.timers).(*Session); s.timer != 0 {
				t.Fatal("a session keeps the index of a timer that is gone")
			}
		}
	})
}

// A shard that sleeps is woken for what is earlier than all before.
func TestShardWakes(t *testing.T) {
	sh := newShard(func() time.Duration { return 0 })
	woken := func() bool {
		select {
		case <-sh.wake:
			return true
		default:
			return false
		}
	}
	a, b := &Session{}, &Session{}
	for i, step := range []struct {
		s    *Session
		when time.Duration
		want bool
	}{{a, 10, true}, {b, 20, false}, {b, 15, false}, {b, 5, true}, {b, 7, false}, {a, 5, false}, {a, 4, true}} {
		sh.schedule(step.s, step.when)
		if got := woken(); got != step.want {
			t.Errorf("step %d: woken %t", i, got)
		}
	}
	sh.write(a)
	if !woken() {
		t.Error("not woken to write")
	}
}
