package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// lateMesh is one that learns of the other nodes after some time.
type lateMesh struct {
	adapter.Mesh
	until time.Time
	fail  error // of Send
}

func (m lateMesh) Node() string                 { return "aaaaaa" }
func (m lateMesh) Receive(func(string, []byte)) {}
func (m lateMesh) Send(string, []byte) error    { return m.fail }
func (m lateMesh) Watch(f func(node string, alive bool)) {
	time.AfterFunc(time.Until(m.until), func() { f("bbbbbb", true) })
}
func (m lateMesh) Nodes() []string {
	if time.Now().Before(m.until) {
		return []string{"aaaaaa"}
	}
	return slices.Clone([]string{"aaaaaa", "bbbbbb"})
}

// TestSettling: a node that has just come up does not turn clients of others away whom it
// does not know yet. Later, and of what can be nobody's, it says so at once.
func TestSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n := New(lateMesh{until: began.Add(time.Second)}, Options{})
		defer n.Close()
		for session, want := range map[string]error{"short": errNobody, "aaaaaa12345678901234": errNobody} {
			if _, err := n.find(t.Context(), session); !errors.Is(err, want) {
				t.Errorf("%s: %v", session, err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("ids that are nobody's took %v", took)
		}
		if node, err := n.find(t.Context(), "bbbbbb12345678901234"); err != nil || node != "bbbbbb" {
			t.Errorf("%q, %v", node, err)
		}
		if _, err := n.find(t.Context(), "cccccc12345678901234"); !errors.Is(err, errNobody) || time.Since(began) > settlingTime+time.Second {
			t.Errorf("unknown to the end: %v after %v", err, time.Since(began))
		}
		later := time.Now()
		if _, err := n.find(t.Context(), "cccccc12345678901234"); !errors.Is(err, errNobody) || !time.Now().Equal(later) {
			t.Errorf("later: %v after %v", err, time.Since(later))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.find(ctx, "cccccc12345678901234"); !errors.Is(err, errNobody) {
			t.Error(err)
		}
	})
}

// TestSettlingCrowd: so many may wait for a node to come, and no more.
func TestSettlingCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n := New(lateMesh{until: began.Add(time.Second)}, Options{MaxRequests: 2})
		defer n.Close()
		found := make(chan error)
		for range 2 {
			go func() {
				_, err := n.find(t.Context(), "bbbbbb12345678901234")
				found <- err
			}()
		}
		synctest.Wait()
		if _, err := n.find(t.Context(), "bbbbbb12345678901234"); !errors.Is(err, engineio.ErrBusy) || !time.Now().Equal(began) {
			t.Errorf("one too many: %v after %v", err, time.Since(began))
		}
		for range 2 {
			if err := <-found; err != nil {
				t.Error(err)
			}
		}
		if n.waiting != 0 {
			t.Errorf("%d wait", n.waiting)
		}
	})
}

// TestPeerForgotten has something to say to a node that is gone already.
func TestPeerForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(lateMesh{until: time.Now(), fail: adapter.ErrNode}, Options{})
		defer n.Close()
		n.peer("bbbbbb").send(record{kind: kindDelivered})
		synctest.Wait()
		if len(n.peers) != 0 {
			t.Errorf("%d nodes are remembered", len(n.peers))
		}
	})
}
