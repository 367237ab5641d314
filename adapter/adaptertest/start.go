package adaptertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// patience is how long the suite waits for what must happen before it gives up. A
// test that passes waits for the event itself, not for this.
const patience = 20 * time.Second

// Start runs the adapters until the test ends, and returns them when all are ready.
func Start(t testing.TB, nodes ...adapter.Adapter) []adapter.Adapter {
	t.Helper()
	Launch(t, nodes...)
	for _, node := range nodes {
		WaitReady(t, node)
	}
	return nodes
}

// Launch runs the adapters until the test ends. It does not wait until they are ready.
func Launch(t testing.TB, nodes ...adapter.Adapter) {
	for _, node := range nodes {
		LaunchOne(t, node)
	}
}

// LaunchOne is Launch for one adapter, which stop ends before the test does, and waits
// for its end.
func LaunchOne(t testing.TB, node adapter.Adapter) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := receive(done); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// receive waits for the end of Run.
func receive(done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return fmt.Errorf("has not returned %v after its context ended", patience)
	}
}

// WaitReady waits until the adapter is ready.
func WaitReady(t testing.TB, node adapter.Adapter) {
	t.Helper()
	Wait(t, "ready", node.Ready)
}

// WaitNotReady waits until the adapter is not ready, and returns what is missing.
func WaitNotReady(t testing.TB, node adapter.Adapter) (missing error) {
	t.Helper()
	Wait(t, "not ready", func() error {
		if missing = node.Ready(); missing == nil {
			return fmt.Errorf("it is ready")
		}
		return nil
	})
	return missing
}

// Wait asks again and again until check returns nil.
func Wait(t testing.TB, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s after %v: %v", what, patience, err)
		}
		time.Sleep(time.Millisecond)
	}
}
