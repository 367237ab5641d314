// Package limit keeps clients from asking too much of a server: it limits how often
// events may come from a socket, a user and an address, and how many connections a
// user and an address may have.
//
//	l := limit.New(limit.Options{
//		All:                limit.Rates{Socket: limit.Rate{Events: 20}},
//		Events:             map[string]limit.Rates{"message": {User: limit.Rate{Events: 30, Per: time.Minute}}},
//		User:               func(ctx context.Context, _ *socketio.Socket) string { … },
//		SessionsPerAddress: 100,
//	})
//	srv := socketio.NewServer(socketio.Options{Engine: engineio.Options{Admit: l.Admit}})
//	l.Protect(srv.Of("/chat"))
//
// A node knows of its own clients only: on n nodes a user may do up to n times as
// much.
package limit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/damso/damso/socketio"
)

// A Rate is how often something may happen: a bucket of Burst tokens, into which
// Events tokens drop in each Per, one at a time. The zero Rate is no limit.
type Rate struct {
	Events int           // if zero, there is no limit
	Per    time.Duration // if zero, it is one second
	Burst  int           // if zero, it is Events
}

// Rates are limits that count side by side. What one of them refuses counts for
// none.
type Rates struct {
	Socket  Rate // of each socket
	User    Rate // of all sockets of a user, see [Options.User]
	Address Rate // of all sockets of an address
}

// Options configures a [Limiter]. The zero value has no limits.
type Options struct {
	// All limits all events of a client together.
	All Rates

	// Events limits single events by their names, on top of All.
	Events map[string]Rates

	// User says whose socket it is, "" for nobody's. It is called when the client
	// joins a namespace and with its first event. If nil, nobody is a user.
	User func(ctx context.Context, s *socketio.Socket) string

	// SocketsPerUser is how many sockets a user may have in a namespace. If zero,
	// there is no limit.
	SocketsPerUser int

	// ReplaceOldest lets a user in who has too many sockets, and disconnects the
	// oldest instead: a client whose connection broke can come back before the
	// server has noticed.
	ReplaceOldest bool

	// SessionsPerAddress is how many connections may come from an address at a
	// time, whatever namespaces they join. It needs [Limiter.Admit]. If zero, there
	// is no limit.
	SessionsPerAddress int

	// HandshakesPerAddress is how often connections may be opened from an address.
	// It needs [Limiter.Admit].
	HandshakesPerAddress Rate

	// TrustedProxies are the addresses of one's own proxies: only what they say in
	// X-Forwarded-For is believed. If empty, clients have the address that their
	// connection comes from.
	TrustedProxies []netip.Prefix

	// IPv6Prefix is how many bits of an IPv6 address count, since one client has
	// many. If zero, it is 64.
	IPv6Prefix int

	// MaxBuckets is for how many users and addresses rates are remembered. Those
	// that were not seen for the longest time are forgotten first; so are those
	// whose buckets must be full again. If zero, it is 65,536, about 20 MB.
	MaxBuckets int
}

// Check says what in the options can't be meant, or returns nil.
func (o Options) Check() error {
	if o.SocketsPerUser < 0 || o.SessionsPerAddress < 0 || o.MaxBuckets < 0 {
		return errors.New("limit: numbers in Options must not be negative")
	}
	if o.IPv6Prefix < 0 || o.IPv6Prefix > 128 {
		return fmt.Errorf("limit: Options.IPv6Prefix is %d, must be 1 to 128 bits", o.IPv6Prefix)
	}
	if o.SocketsPerUser > 0 && o.User == nil {
		return errors.New("limit: Options.SocketsPerUser needs Options.User")
	}
	for _, p := range o.TrustedProxies {
		if !p.IsValid() {
			return errors.New("limit: an address in Options.TrustedProxies is not valid")
		}
	}
	all := []Rates{o.All, {Address: o.HandshakesPerAddress}}
	for _, r := range o.Events {
		all = append(all, r)
	}
	for _, r := range all {
		if err := errors.Join(r.Socket.check(), r.User.check(), r.Address.check()); err != nil {
			return err
		}
		if o.User == nil && r.User.Events > 0 {
			return errors.New("limit: a rate per user needs Options.User")
		}
	}
	return nil
}

func (r Rate) check() error {
	if r.Events < 0 || r.Per < 0 || r.Burst < 0 || r.Events == 0 && r != (Rate{}) {
		return fmt.Errorf("limit: rate %+v: Events must be positive, the others not negative", r)
	}
	return nil
}

// A Limiter limits the clients of a server. It is safe for concurrent use. It has no
// goroutine and needs no end.
type Limiter struct {
	// Set once.
	opts      Options
	rules     map[string]ruleSet // by event, those of all events among them
	others    ruleSet            // of events that have none of their own
	handshake *rule              // nil if there is none
	addresses bool               // some rule asks for them

	counters counters

	mu       sync.Mutex
	buckets  buckets                     // guarded by mu
	sessions map[netip.Addr]int          // by address; guarded by mu
	users    map[seat][]*socketio.Socket // the oldest first; guarded by mu
}

// New returns a Limiter. It panics if opts.Check returns an error.
func New(opts Options) *Limiter {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	if opts.IPv6Prefix == 0 {
		opts.IPv6Prefix = 64
	}
	if opts.MaxBuckets == 0 {
		opts.MaxBuckets = 65_536
	}
	l := &Limiter{
		opts:     opts,
		rules:    map[string]ruleSet{},
		others:   newRuleSet(opts.All.rules()),
		buckets:  newBuckets(opts.MaxBuckets),
		sessions: map[netip.Addr]int{},
		users:    map[seat][]*socketio.Socket{},
	}
	for event, rates := range opts.Events {
		l.rules[event] = newRuleSet(append(rates.rules(), l.others.rules...))
	}
	for _, set := range append(slices.Collect(maps.Values(l.rules)), l.others) {
		l.addresses = l.addresses || slices.ContainsFunc(set.rules, func(r *rule) bool { return r.scope == ofAddress })
	}
	if opts.HandshakesPerAddress.Events > 0 {
		l.handshake = newRule(ofAddress, opts.HandshakesPerAddress)
	}
	return l
}

// Protect limits the events of a namespace's clients, and the number of sockets that
// a user has there: who has too many is refused with a [socketio.ConnectError] whose
// data has a code. It must be called once for a namespace, after the middleware that
// finds out who the users are.
func (l *Limiter) Protect(ns *socketio.Namespace) {
	switch {
	case l.opts.SocketsPerUser > 0 && l.opts.ReplaceOldest:
		ns.OnConnect(l.replace)
	case l.opts.SocketsPerUser > 0:
		ns.UseConnect(l.seat)
	}
	if len(l.rules) > 0 || len(l.others.rules) > 0 {
		ns.UseEvent(l.around)
	}
}
