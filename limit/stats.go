package limit

import "sync/atomic"

// Stats are counters for metrics. Those of what was refused only grow.
type Stats struct {
	// Events that were refused, by the rate that had to be waited for.
	RefusedBySocket, RefusedByUser, RefusedByAddress uint64

	RefusedSessions   uint64 // by SessionsPerAddress
	RefusedHandshakes uint64 // by HandshakesPerAddress
	RefusedSockets    uint64 // by SocketsPerUser
	ReplacedSockets   uint64 // disconnected for a newer one of the user

	Addresses int    // that have sessions, if those are limited
	Users     int    // that have sockets, in each namespace, if those are limited
	Buckets   int    // of users and addresses that are remembered
	Evicted   uint64 // buckets that were forgotten too early: let MaxBuckets be greater
}

type counters struct {
	refused                                 [3]atomic.Uint64 // by scope
	sessions, handshakes, sockets, replaced atomic.Uint64
}

// Stats returns the counters as they are now.
func (l *Limiter) Stats() Stats {
	c := &l.counters
	s := Stats{
		RefusedBySocket:   c.refused[ofSocket].Load(),
		RefusedByUser:     c.refused[ofUser].Load(),
		RefusedByAddress:  c.refused[ofAddress].Load(),
		RefusedSessions:   c.sessions.Load(),
		RefusedHandshakes: c.handshakes.Load(),
		RefusedSockets:    c.sockets.Load(),
		ReplacedSockets:   c.replaced.Load(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Addresses, s.Users = len(l.sessions), len(l.users)
	s.Buckets, s.Evicted = len(l.buckets.byKey), l.buckets.evicted
	return s
}
