package engineio

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// crowd opens sessions whose clients read until they end.
func crowd(s *site, n int) {
	for range n {
		c := s.websocket("EIO=4")
		go func() { _, _ = io.Copy(io.Discard, c.r) }()
	}
}

// TestDrain closes ten sessions a second.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{PingInterval: time.Hour})
		crowd(s, 50)
		began := time.Now()
		drained := make(chan error)
		go func() { drained <- s.srv.Drain(t.Context(), 10) }()
		synctest.Wait()
		r := s.request("GET", "EIO=4&transport=polling", "", nil)
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "1" {
			t.Errorf("new session: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
		}
		time.Sleep(time.Second)
		if n := s.srv.Sessions(); n < 25 || n == 50 {
			t.Errorf("%d sessions of 50 after a second", n)
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d < 2*time.Second || d > 10*time.Second {
			t.Errorf("it took %v", d)
		}
		synctest.Wait()
		if n := s.srv.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// TestDrainDeadline has not the time for all.
func TestDrainDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{PingInterval: time.Hour})
		crowd(s, 20)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.srv.Drain(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain: %v", err)
		}
		synctest.Wait()
		if n := s.srv.Sessions(); n < 10 {
			t.Errorf("%d sessions are left of 20", n)
		}
	})
}

// TestNoPace wants none to be closed in a second, or fewer: it waits for its deadline.
func TestNoPace(t *testing.T) {
	for _, perSecond := range []float64{0, -1, 1e-300, math.NaN(), math.Inf(-1)} {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, Options{PingInterval: time.Hour})
			crowd(s, 3)
			ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
			defer cancel()
			if n, err := s.srv.Thin(ctx, 3, perSecond); n != 1 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v in a second: %d closed, %v", perSecond, n, err)
			}
		})
	}
}

// TestThin closes some sessions; the server goes on.
func TestThin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{PingInterval: time.Hour})
		crowd(s, 20)
		n, err := s.srv.Thin(t.Context(), 5, 100)
		if n != 5 || err != nil {
			t.Errorf("Thin: %d, %v", n, err)
		}
		if n, err := s.srv.Thin(t.Context(), 100, 1000); n != 15 || err != nil {
			t.Errorf("Thin: %d, %v", n, err)
		}
		if s.srv.Closing() {
			t.Error("the server is closing")
		}
	})
}

// TestGate lets clients in at the pace that it is told.
func TestGate(t *testing.T) {
	const ms = time.Millisecond
	type step struct{ at, wait time.Duration }
	const refused = time.Duration(-1)
	tests := []struct {
		name string
		a    Admission
		play []step
	}{
		{"one at a time", Admission{PerSecond: 10, Burst: 1}, []step{{0, 0}, {0, 100 * ms}, {0, 200 * ms}, {300 * ms, 0}}},
		{"a burst", Admission{PerSecond: 10, Burst: 3}, []step{{0, 0}, {0, 0}, {0, 0}, {0, 100 * ms}, {100 * ms, 100 * ms}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 100 * ms}}},
		{"too many", Admission{PerSecond: 10, Burst: 1, MaxWait: 150 * ms}, []step{{0, 0}, {0, 100 * ms}, {0, refused}, {0, refused}, {50 * ms, 150 * ms}}},
		{"slow", Admission{PerSecond: 0.5}, []step{{0, 0}, {0, refused}, {time.Second, time.Second}, {time.Second, refused}, {5 * time.Second, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(&tt.a)
			for i, s := range tt.play {
				wait, ok := g.enter(time.Hour + s.at)
				if !ok {
					wait = refused
				}
				if wait != s.wait {
					t.Errorf("step %d, at %v: wait %v, want %v", i, s.at, wait, s.wait)
				}
			}
		})
	}
}

// TestAdmission lets two clients wait and sends the others away.
func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{PingInterval: time.Hour, Admission: &Admission{PerSecond: 1, MaxWait: 2 * time.Second}})
		began := time.Now()
		answers := make(chan reply, 10)
		for range cap(answers) {
			go func() {
				r, err := s.try(t.Context(), "GET", "EIO=4&transport=polling", "", nil)
				if err != nil {
					t.Error(err)
				}
				answers <- r
			}()
		}
		count := map[int]int{}
		for range cap(answers) {
			r := <-answers
			count[r.status]++
			if r.status != http.StatusOK && r.header.Get("Retry-After") != "3" {
				t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
			}
		}
		if count[http.StatusOK] != 3 || count[http.StatusServiceUnavailable] != 7 || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", count, time.Since(began))
		}
	})
}

// TestAdmissionLeft has those who wait go away: they take nobody's turn.
func TestAdmissionLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, Options{PingInterval: time.Hour, Admission: &Admission{PerSecond: 1, MaxWait: 2 * time.Second}})
		began := time.Now()
		open := func(ctx context.Context) (reply, error) { return s.try(ctx, "GET", "EIO=4&transport=polling", "", nil) }
		if r, err := open(t.Context()); err != nil || r.status != http.StatusOK {
			t.Fatal(r, err)
		}
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		for range 2 {
			go func() { _, err := open(ctx); left <- err }()
		}
		synctest.Wait()
		if r, err := open(t.Context()); err != nil || r.status != http.StatusServiceUnavailable {
			t.Errorf("one too many: %v, %v", r, err)
		}
		leave()
		for range 2 {
			if err := <-left; err == nil {
				t.Error("one who has left was answered")
			}
		}
		synctest.Wait()
		if r, err := open(t.Context()); err != nil || r.status != http.StatusOK || time.Since(began) != time.Second {
			t.Errorf("%v, %v after %v", r, err, time.Since(began))
		}
	})
}
