package limit

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/damso/damso/socketio"
)

// A client is what is remembered of a socket. It belongs to the socket's handlers,
// which are called one at a time.
type client struct {
	user    string // "" for nobody
	address string // "" if unknown
	buckets map[*rule]*rate.Limiter
}

// around is put around the handlers of events.
func (l *Limiter) around(next socketio.Handler) socketio.Handler {
	return func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
		set, ok := l.rules[e.Name]
		if !ok {
			set = l.others
		}
		if len(set.rules) == 0 {
			return next(ctx, s, e)
		}
		refused, wait := l.take(l.client(ctx, s), set, time.Now())
		if refused == nil {
			return next(ctx, s, e)
		}
		l.counters.refused[refused.scope].Add(1)
		return refuse(s, e, wait)
	}
}

// client returns what is remembered of s.
func (l *Limiter) client(ctx context.Context, s *socketio.Socket) *client {
	if c, ok := s.Value(l).(*client); ok {
		return c
	}
	c := &client{buckets: map[*rule]*rate.Limiter{}}
	if l.opts.User != nil {
		c.user = l.opts.User(ctx, s)
	}
	if l.addresses {
		h := s.Handshake()
		if a := l.address(h.Address, h.Header); a.IsValid() {
			c.address = a.String()
		}
	}
	s.SetValue(l, c)
	return c
}

// take takes a token for each rule, if there is one for all of them. Otherwise it
// returns the rule that has to be waited for the longest, and for how long.
func (l *Limiter) take(c *client, set ruleSet, now time.Time) (refused *rule, wait time.Duration) {
	if set.shared {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	var room [6]*rate.Limiter // three for the event, three for all
	limiters := room[:0]
	for _, r := range set.rules {
		limiter := l.bucket(c, r, now)
		if limiter == nil {
			continue
		}
		limiters = append(limiters, limiter)
		if d := r.missing(limiter, now); d > wait {
			refused, wait = r, d
		}
	}
	if refused == nil {
		for _, limiter := range limiters {
			limiter.AllowN(now, 1)
		}
	}
	return refused, wait
}

// bucket returns the bucket of c for a rule, nil if the rule is not for it; mu is
// held if others share it.
func (l *Limiter) bucket(c *client, r *rule, now time.Time) *rate.Limiter {
	switch {
	case r.scope == ofUser && c.user != "":
		return l.buckets.get(bucketKey{r, c.user}, now)
	case r.scope == ofAddress && c.address != "":
		return l.buckets.get(bucketKey{r, c.address}, now)
	case r.scope != ofSocket:
		return nil
	}
	limiter := c.buckets[r]
	if limiter == nil {
		limiter = rate.NewLimiter(r.limit, r.burst)
		c.buckets[r] = limiter
	}
	return limiter
}

// An answer tells a client that it was refused.
type answer struct {
	Status       string `json:"status"` // "error"
	Code         string `json:"code"`
	Message      string `json:"message"`
	RetryAfterMs int64  `json:"retryAfterMs,omitempty"`
	Event        string `json:"event,omitempty"` // of an exception
}

// Codes tell clients why they were refused.
const (
	CodeRate        = "rate_limited"         // of events
	CodeConnections = "too_many_connections" // of a user
	CodeReplaced    = "replaced"             // by a newer connection of the user
)

// refuse tells the client: in the acknowledgement, or, if it wants none, by an
// exception.
func refuse(s *socketio.Socket, e *socketio.Event, wait time.Duration) error {
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	a := answer{
		Status:       "error",
		Code:         CodeRate,
		Message:      fmt.Sprintf("too many events, try again in %v", ms*time.Millisecond),
		RetryAfterMs: int64(ms),
	}
	if e.WantsAck() {
		return e.Ack(a)
	}
	a.Event = e.Name
	return s.Emit("exception", a)
}
