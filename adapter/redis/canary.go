package redis

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

// How many seconds in a row a node may not hear its own signs of life.
const (
	missedDeaf    = 2  // silence of the others proves nothing any more
	missedReady   = 4  // it is not ready; if it has heard nothing else either, it is deaf
	missedForever = 15 // it is deaf, though something was heard
)

var (
	errUnproven = errors.New("this node has not heard itself yet")
	errLate     = errors.New("connected, but this node does not hear itself")
	errDeaf     = errors.New("connected, but nothing is heard")
	errDemoted  = errors.New("another server is the primary now")
)

// A canary finds out whether a connection that listens, or reads, hears. Every second
// the node sends a sign of life, which must come back over it. A connection that is up,
// and answers PING, may be deaf all the same: its subscriptions are gone, or what is
// published elsewhere does not reach its server. A link has one for each of its
// connections that others can be heard on.
type canary struct {
	// Set before it is watched, then never written.
	what string         // of the connection, for people
	send func(b *batch) // adds the sign of life to a batch
	late bool           // the connection was made when the others were there already

	heard  atomic.Uint64 // messages of any kind, counted by the reader
	own    atomic.Uint64 // own signs of life among them
	last   atomic.Int64  // when the last of those came, in nanoseconds of Unix time
	missed atomic.Int32  // ticks since then

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

// prove notes that an own sign of life has come back.
func (c *canary) prove(now time.Time) {
	c.own.Add(1)
	c.last.Store(now.UnixNano())
}

// ready returns nil while own signs of life come back.
func (c *canary) ready() error {
	switch {
	case c.own.Load() == 0 && c.late && c.missed.Load() < missedReady:
		return fmt.Errorf("%w: %w", errUnproven, adapter.ErrOpening)
	case c.own.Load() == 0:
		return errUnproven
	case c.missed.Load() >= missedReady:
		return errLate
	}
	return nil
}

// beat sends the node's sign of life over its mesh, which is that of the connection that
// listens.
func (a *Adapter) beat(b *batch) {
	b.l.post(a.mesh.mail("", letterBeat, []byte(a.mesh.self.Name)).mail)
}

// sign adds the command that is a canary's sign of life. That it fails ends the link.
func (b *batch) sign(cmd rueidis.Completed) {
	l := b.l
	b.add(cmd, func(r rueidis.RedisResult) {
		if err := r.Error(); err != nil {
			l.fail(fmt.Errorf("publish: %w", err))
		}
	})
}

// watch adds a canary to those of the link that is there, or is being made.
func (a *Adapter) watch(c *canary) {
	a.mu.Lock()
	c.late = a.cause == nil
	a.canaries = append(a.canaries, c)
	a.mu.Unlock()
	if c.late {
		_ = a.queue.put(item{canary: c})
	}
}

// watched returns the canaries of the link.
func (a *Adapter) watched() []*canary {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.canaries)
}

// beats sends a sign of life over every connection.
func (a *Adapter) beats() {
	for _, c := range a.watched() {
		// It is not put while the queue is closed: then there is no link to prove.
		_ = a.queue.put(item{canary: c})
	}
}

// provenAt returns when all connections of the link were last found good, the zero time
// if they never were; mu is held.
func (a *Adapter) provenAt() (at time.Time) {
	for _, c := range a.canaries {
		last := c.last.Load()
		switch {
		case last == 0 && c.late:
		case last == 0:
			return time.Time{}
		case at.IsZero() || at.After(time.Unix(0, last)):
			at = time.Unix(0, last)
		}
	}
	return at
}

// tick is called every [members.Interval] while l is connected.
func (l *link) tick(now time.Time) error {
	for _, c := range l.a.watched() {
		if err := c.tick(); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	if primary(l.client) != l.primary {
		return errDemoted
	}
	l.a.beats()
	l.again()
	l.a.expire(now, l.canary.hears())
	l.a.sweep(now)
	return nil
}

// interval is how often a node gives a sign of life.
const interval = members.Interval
