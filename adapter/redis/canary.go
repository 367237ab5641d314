package redis

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/damso/damso/adapter/members"
)

// How many seconds in a row a node may not hear its own signs of life.
const (
	missedDeaf    = 2  // silence of the others proves nothing any more
	missedReady   = 4  // it is not ready; if it has heard nothing else either, it is deaf
	missedForever = 15 // it is deaf, though something was heard
)

var (
	errUnproven = errors.New("redis: this node has not heard itself yet")
	errLate     = errors.New("redis: connected, but this node does not hear itself")
	errDeaf     = errors.New("connected, but nothing is heard")
	errDemoted  = errors.New("another server is the primary now")
)

// A canary finds out whether a connection that listens hears. Every second the node
// publishes a sign of life, which must come back over it. A connection that is up, and
// answers PING, may be deaf all the same: its subscriptions are gone, or what is
// published elsewhere does not reach its server.
type canary struct {
	heard  atomic.Uint64 // messages of any kind, counted by the reader
	own    atomic.Uint64 // own signs of life among them
	missed atomic.Int32  // ticks since the last of those

	// Owned by the goroutine that calls tick.
	lastHeard, lastOwn uint64
	silent             int // ticks since anything was heard
}

// tick is called every second. It returns [errDeaf] if the connection is of no use.
func (c *canary) tick() error {
	heard, own := c.heard.Load(), c.own.Load()
	missed := c.missed.Add(1)
	c.silent++
	if own != c.lastOwn {
		missed = 0
		c.missed.Store(0)
	}
	if heard != c.lastHeard {
		c.silent = 0
	}
	c.lastHeard, c.lastOwn = heard, own
	if missed >= missedForever || missed >= missedReady && c.silent >= missedReady {
		return errDeaf
	}
	return nil
}

// hears reports whether the others can be heard.
func (c *canary) hears() bool { return c.own.Load() > 0 && c.missed.Load() < missedDeaf }

// ready returns nil while own signs of life come back.
func (c *canary) ready() error {
	switch {
	case c.own.Load() == 0:
		return errUnproven
	case c.missed.Load() >= missedReady:
		return errLate
	}
	return nil
}

// beat gives a sign of life.
func (a *Adapter) beat() {
	// It is not put while the queue is closed: then there is no link to prove.
	_ = a.queue.put(a.mesh.mail("", letterBeat, []byte(a.mesh.self.Name)))
}

// tick is called every [members.Interval] while l is connected.
func (l *link) tick(now time.Time) error {
	if err := l.canary.tick(); err != nil {
		return err
	}
	if primary(l.client) != l.primary {
		return errDemoted
	}
	l.a.beat()
	l.a.expire(now, l.canary.hears())
	l.a.sweep(now)
	return nil
}

// proven notes that a connection has been found good.
func (l *link) proven(now time.Time) {
	l.canary.own.Add(1)
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	l.a.proven = now
}

// interval is how often a node gives a sign of life.
const interval = members.Interval
