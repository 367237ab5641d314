package redis

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	minRetry = 100 * time.Millisecond
	maxRetry = 2 * time.Second // so that a node is whole again within 5 seconds
)

// errStopped is the cause after Run.
var errStopped = errors.New("stopped")

// Run implements [adapter.Adapter]. It returns nil when ctx has ended. What was given
// to Publish before is still sent, for a second at most.
func (a *Adapter) Run(ctx context.Context) error {
	if a.running.Swap(true) {
		return errors.New("redis: Run was called twice")
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		if lasted := a.runLink(ctx); lasted >= maxRetry {
			failures = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryDelay(failures, rand.Float64())):
		}
	}
	a.setCause(errStopped)
	a.mesh.forget()
	return nil
}

// retryDelay is how long to wait after so many failures in a row. With chance
// between 0 and 1 the nodes of a cluster come back spread out in time.
func retryDelay(failures int, chance float64) time.Duration {
	d := maxRetry
	if failures < 5 {
		d = min(maxRetry, minRetry<<failures)
	}
	return d/2 + time.Duration(chance*float64(d/2))
}

// setCause notes why there is no connection, nil when there is one. It returns since
// when there had been a connection, or none, and the cause before.
func (a *Adapter) setCause(cause error) (since time.Time, was error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	since, was = a.since, a.cause
	if (was == nil) != (cause == nil) {
		a.since = time.Now()
	}
	a.cause = cause
	if cause != nil {
		if at := a.provenAt(); !at.IsZero() {
			a.proven = at
		}
		a.canaries = nil
		a.listening = false
		clear(a.changed)
		for _, n := range a.namespaces {
			n.subscribed = false
		}
	}
	return since, was
}

// connected notes that there is a connection, and the namespaces are subscribed.
func (a *Adapter) connected() {
	a.mu.RLock()
	proven := a.proven
	a.mu.RUnlock()
	since, was := a.setCause(nil)
	a.queue.setOpen(true)
	a.counts.connects.Add(1)
	if was == errNotYet {
		a.log.Info("redis: connected")
		return
	}
	if !proven.IsZero() {
		since = proven
		a.gap(time.Since(proven))
	}
	a.log.Info("redis: connected again", slog.Duration("gap", time.Since(since).Round(time.Millisecond)))
}

// gap counts a gap.
func (a *Adapter) gap(d time.Duration) {
	a.counts.gaps.Add(1)
	a.counts.gapTime.Add(int64(d))
	a.counts.lastGap.Store(int64(d))
}

// lost notes that there is no connection any more, or still none, drops what waits,
// and ends the questions: no answer will come. It returns how long there had been one.
func (a *Adapter) lost(cause error) time.Duration {
	a.drop(a.queue.setOpen(false), ErrUnavailable)
	a.failQueries(ErrUnavailable)
	a.expire(time.Now(), false)
	since, was := a.setCause(cause)
	switch {
	case cause == errStopped:
	case was == nil:
		a.log.Warn("redis: connection lost, this node serves its own clients and tries again", slog.Any("error", cause))
		return time.Since(since)
	case was == errNotYet:
		a.log.Warn("redis: no connection, this node serves its own clients and tries again", slog.Any("error", cause))
	}
	return 0
}
