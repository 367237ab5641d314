package limit

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Errors that Admit refuses a client with. It gets their text, with status 403.
var (
	errSessions   = errors.New("too many connections from this address")
	errHandshakes = errors.New("too many new connections from this address, try again later")
)

// Admit counts a new session of the request's address, or refuses it. It is to be
// [github.com/damso/damso/engineio.Options.Admit], which calls release when the
// session has ended.
func (l *Limiter) Admit(r *http.Request) (release func(), err error) {
	addr := l.address(r.RemoteAddr, r.Header)
	if !addr.IsValid() || l.opts.SessionsPerAddress == 0 && l.handshake == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.opts.SessionsPerAddress; n > 0 && l.sessions[addr] >= n {
		l.counters.sessions.Add(1)
		return nil, errSessions
	}
	if l.handshake != nil {
		now := time.Now()
		if !l.buckets.get(bucketKey{l.handshake, addr.String()}, now).AllowN(now, 1) {
			l.counters.handshakes.Add(1)
			return nil, errHandshakes
		}
	}
	if l.opts.SessionsPerAddress == 0 {
		return nil, nil
	}
	l.sessions[addr]++
	return sync.OnceFunc(func() { l.release(addr) }), nil
}

func (l *Limiter) release(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[addr]--; l.sessions[addr] == 0 {
		delete(l.sessions, addr)
	}
}
