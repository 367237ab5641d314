package socketio_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestRecoveryRandom lets a client join and leave rooms, handle some of what it is
// sent, get lost and come back in any order: it is sent each event of its rooms once,
// in order.
func TestRecoveryRandom(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{}})
	ns := srv.Of("/")
	sockets, gone := joined(ns), gone(ns)
	rapid.Check(t, func(r *rapid.T) {
		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		s, offset, n := next(t, sockets), "", 0
		in, want, missed := map[string]bool{}, []string(nil), []string(nil)
		handle := func(packet string) {
			event, at := offsetOf(t, packet)
			if len(want) == 0 || event != want[0] {
				r.Fatalf("got %s, want %q", event, want)
			}
			want, offset = want[1:], at
		}
		rooms := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2, rapid.ID[string])
		in[g.SID] = true
		away := false
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch room := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "room"); rapid.IntRange(0, 6).Draw(r, "step") {
			case 0:
				if !away {
					s.Join(room)
					in[room] = true
				}
			case 1:
				if !away {
					s.Leave(room)
					delete(in, room)
				}
			case 2:
				if !away && len(want) > 0 {
					handle(c.Text())
				}
			case 3:
				if !away {
					c.Close()
					next(t, gone)
					away = true
				}
			case 4:
				if away {
					var again greeted
					c = clients.Open(siotest.Options{})
					if again, missed = comeback(t, c, g.PID, offset); again != g {
						r.Fatalf("is %v, was %v", again, g)
					}
					s, away = next(t, sockets), false
					for _, packet := range missed {
						handle(packet)
					}
				}
			default:
				n++
				to, except := rooms.Draw(r, "to"), rooms.Draw(r, "except")
				emit(t, ns.To(to...).Except(except...), "n", n)
				member := slices.Collect(maps.Keys(in))
				among := func(list []string) bool {
					return slices.ContainsFunc(list, func(room string) bool { return slices.Contains(member, room) })
				}
				if (len(to) == 0 || among(to)) && !among(except) {
					want = append(want, fmt.Sprintf(`2["n",%d]`, n))
				}
			}
		}
		if !away {
			for len(want) > 0 {
				handle(c.Text())
			}
			c.Close()
			next(t, gone)
		}
	})
}
