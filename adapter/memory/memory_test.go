package memory_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	adaptertest.Suite{
		Cluster: func(_ *testing.T, n int) []adapter.Adapter {
			var bus memory.Bus
			nodes := make([]adapter.Adapter, n)
			for i := range nodes {
				nodes[i] = bus.Node()
			}
			return nodes
		},
		Oversize: memory.MaxMessage + 1,
	}.Run(t)
}

func TestNotRunning(t *testing.T) {
	var bus memory.Bus
	node := bus.Node()
	nsp, err := node.Open("/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := nsp.Publish(&adapter.Operation{Kind: adapter.Broadcast}); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("Publish: %v, want ErrUnavailable", err)
	}
}

// stuck is a node whose Apply waits until it is told to go on.
type stuck struct{ begun, release chan struct{} }

func (s stuck) Apply(*adapter.Operation) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.release
}

func (stuck) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (stuck) Wants(string) bool                               { return true }

func TestQueueFull(t *testing.T) {
	var bus memory.Bus
	nodes := adaptertest.Start(t, bus.Node(), bus.Node())
	slow := stuck{make(chan struct{}, 1), make(chan struct{})}
	if _, err := nodes[1].Open("/", slow); err != nil {
		t.Fatal(err)
	}
	nsp, err := nodes[0].Open("/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer close(slow.release)
	op := &adapter.Operation{Kind: adapter.Broadcast}
	if err := nsp.Publish(op); err != nil {
		t.Fatal(err)
	}
	<-slow.begun
	for range memory.MaxQueued {
		if err := nsp.Publish(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := nsp.Publish(op); !errors.Is(err, memory.ErrQueueFull) {
		t.Errorf("Publish: %v, want ErrQueueFull", err)
	}
}
