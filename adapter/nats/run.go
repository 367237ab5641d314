package nats

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/damso/damso/adapter"
)

const (
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// Run implements [adapter.Adapter]. It returns nil when ctx has ended. What was given
// to Publish before is still sent, for a second at most; a connection that is being
// made is waited for, 2 seconds at most.
func (a *Adapter) Run(ctx context.Context) error {
	if a.running.Swap(true) {
		return errors.New("nats: Run was called twice")
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		if a.runLink(ctx); time.Since(began) >= 2*maxRetry {
			failures = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryDelay(failures, rand.Float64())):
		}
	}
	a.down(errStopped)
	a.peers.reset()
	return nil
}

// retryDelay is how long to wait after so many failures in a row. With chance
// between 0 and 1 the nodes of a cluster come back spread out in time.
func retryDelay(failures int, chance float64) time.Duration {
	d := maxRetry
	if failures < 6 {
		d = min(maxRetry, minRetry<<failures)
	}
	return d/2 + time.Duration(chance*float64(d/2))
}

// runLink connects and serves the connection until it ends.
func (a *Adapter) runLink(ctx context.Context) {
	l, err := a.connect()
	if err == nil {
		err = l.run(ctx)
	}
	if ctx.Err() == nil {
		a.down(err)
	}
}

// up notes that there is a connection whose namespaces are subscribed.
func (a *Adapter) up(limit int64) {
	a.limit.Store(limit)
	a.peers.setHearing(true, time.Now())
	a.mu.Lock()
	a.cause = nil
	a.mu.Unlock()
	a.queue.setOpen(true)
	a.counts.connects.Add(1)
	a.log.Info("nats: connected")
}

// down notes that there is no connection, and ends what waits for one.
func (a *Adapter) down(cause error) {
	a.mu.Lock()
	was := a.cause
	a.cause = cause
	for _, n := range a.namespaces {
		n.subscribed = false
	}
	a.mu.Unlock()
	a.peers.setHearing(false, time.Now())
	a.counts.dropped.Add(uint64(a.queue.setOpen(false)))
	open, _ := a.all()
	for _, n := range open {
		n.fail(ErrUnavailable)
	}
	switch {
	case cause == errStopped:
	case was == nil:
		a.log.Warn("nats: connection lost, this node serves its own clients and tries again", slog.Any("error", cause))
	case was == errNotYet:
		a.log.Warn("nats: no connection, this node serves its own clients and tries again", slog.Any("error", cause))
	}
}

// Stats are what an [Adapter] has counted since it was made.
type Stats = adapter.Stats

type counts struct {
	connects, published, dropped, received, lost, malformed atomic.Uint64
}

// Stats implements [adapter.Counter].
func (a *Adapter) Stats() Stats {
	c := &a.counts
	return Stats{
		Connects: c.connects.Load(), Published: c.published.Load(), Dropped: c.dropped.Load(),
		Received: c.received.Load(), Lost: c.lost.Load(), Undecodable: c.malformed.Load(),
	}
}
