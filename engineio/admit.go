package engineio

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// An Admission limits how many sessions are opened in a second. When many clients come
// at once, as they do after a node has died, the first wait a little and the rest is told
// when to come again, so that those who are connected notice nothing.
type Admission struct {
	// PerSecond is how many sessions may be opened in a second.
	PerSecond float64
	// Burst is how many may come at once after a quiet time. If zero, it is PerSecond.
	Burst int
	// MaxWait is how long a handshake may wait for its turn; one that would have to wait
	// longer is answered with status 503 and Retry-After at once. If zero, it is a second.
	MaxWait time.Duration
}

func (a *Admission) valid() bool {
	return a.PerSecond > 0 && a.Burst >= 0 && a.MaxWait >= 0
}

// A gate lets handshakes through at the pace of an Admission.
type gate struct {
	// Set once.
	interval time.Duration // between two
	burst    time.Duration // for how long nobody must have come, to have a whole burst
	maxWait  time.Duration

	mu   sync.Mutex
	next time.Duration // when the next one's turn is, since the server has started; guarded by mu
}

func newGate(a *Admission) *gate {
	if a == nil {
		return nil
	}
	g := &gate{interval: max(1, time.Duration(float64(time.Second)/a.PerSecond)), maxWait: a.MaxWait}
	setDefault(&g.maxWait, time.Second)
	burst := a.Burst
	setDefault(&burst, max(1, int(a.PerSecond)))
	g.burst = g.interval * time.Duration(burst-1)
	return g
}

// enter says how long the one who comes at now has to wait. If that is too long, ok is
// false, and it has not come.
func (g *gate) enter(now time.Duration) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	turn := max(g.next, now-g.burst)
	wait = max(0, turn-now)
	if wait > g.maxWait {
		return wait, false
	}
	g.next = turn + g.interval
	return wait, true
}

// leave gives back the turn of one who has gone before it came.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next -= g.interval
}

// admitted waits for the turn of a handshake, and reports whether it has come. If not,
// the client was answered, or is gone.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request) bool {
	if s.gate == nil {
		return true
	}
	now := s.clock()
	wait, ok := s.gate.enter(now)
	if !ok {
		s.counters.refuse(RefusedTooMany)
		unavailable(w, "too many clients at once", wait)
		return false
	}
	if s.sleepUntil(r.Context(), now+wait) != nil {
		s.gate.leave()
		return false
	}
	return true
}

// unavailable asks a client to come again after a time.
func unavailable(w http.ResponseWriter, why string, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((after+time.Second-1)/time.Second))))
	http.Error(w, why, http.StatusServiceUnavailable)
}
