package memory_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
)

// silent is a node that never answers.
type silent struct{ asked chan struct{} }

func (silent) Apply(*adapter.Operation)                          {}
func (s silent) Answer(*adapter.Operation, func(adapter.Answer)) { s.asked <- struct{}{} }
func (silent) Wants(string) bool                                 { return true }

// TestCloseIsNotWaitedFor closes a namespace that was asked and has not answered.
func TestCloseIsNotWaitedFor(t *testing.T) {
	var bus memory.Bus
	asking, asked := bus.Node(), bus.Node()
	adaptertest.Start(t, asking, asked)
	here, err := asking.Open("/", silent{})
	if err != nil {
		t.Fatal(err)
	}
	local := silent{make(chan struct{})}
	there, err := asked.Open("/", local)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := here.Servers(t.Context()); n != 2 || err != nil {
		t.Errorf("Servers: %d, %v", n, err)
	}
	q := adapter.NewQuery(&adapter.Operation{Kind: adapter.Fetch, Timeout: time.Hour}, func(adapter.Answer) {})
	if err := here.Ask(q); err != nil {
		t.Fatal(err)
	}
	<-local.asked
	there.Close()
	var missing *adapter.MissingError
	if err := q.Wait(t.Context()); !errors.As(err, &missing) || !slices.Equal(missing.Nodes, []string{asked.Node()}) {
		t.Errorf("Wait: %v, want %s to be missing", err, asked.Node())
	}
	if n, err := here.Servers(t.Context()); n != 1 || err != nil {
		t.Errorf("Servers: %d, %v", n, err)
	}
}
