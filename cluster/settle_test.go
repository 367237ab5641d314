package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
)

// lateMesh is one that learns of the other nodes after some time.
type lateMesh struct {
	adapter.Mesh
	until time.Time
}

func (m lateMesh) Node() string                         { return "aaaaaa" }
func (m lateMesh) Receive(func(string, []byte))         {}
func (m lateMesh) Watch(func(node string, alive bool))  {}
func (m lateMesh) Send(to string, message []byte) error { return nil }
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
