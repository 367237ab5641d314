package auth

import (
	"context"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/socketio"
)

// loginKey is the key under which a socket's login is kept with it.
type loginKey struct{}

// A login is what is known of a socket's client.
type login[T any] struct {
	// Guarded by mu.
	mu     sync.Mutex
	token  Token[T]
	socket *socketio.Socket // while it is connected; nil before and after
	timer  *time.Timer      // runs until the next thing is due; nil if nothing ever was
	warned bool             // that the token is about to expire
}

func loginOf[T any](ctx context.Context) *login[T] {
	l, _ := ctx.Value(loginKey{}).(*login[T])
	return l
}

func (l *login[T]) current() Token[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token
}

// watch begins to wait for the token's expiry, for a recovered socket once more.
func (l *login[T]) watch(a *Auth[T], s *socketio.Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.socket = s
	l.step(a)
}

// end stops waiting. The runtime may keep a stopped timer for long, so it has no way
// to the socket.
func (l *login[T]) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.socket = nil
	if l.timer != nil {
		l.timer.Stop()
	}
}

// replace changes the token to a newer one of the same subject.
func (l *login[T]) replace(a *Auth[T], token Token[T]) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if token.Subject != l.token.Subject || token.Subject == "" {
		return errSubject()
	}
	l.token, l.warned = token, false
	l.step(a)
	return nil
}

// longest is how long a timer runs at most. Timers stand still while the machine
// sleeps, and the clock on the wall may be set: the time that is left is worked out
// anew.
const longest = time.Hour

// step does what is due, nothing yet, the warning, or the end, and sets the timer for
// what is next; mu is held.
func (l *login[T]) step(a *Auth[T]) {
	s := l.socket
	if s == nil || l.token.Expires.IsZero() {
		return
	}
	left := time.Until(l.token.Expires)
	warn := !l.warned && a.opts.ExpiringBefore >= 0
	switch {
	case l.token.expired(a.opts.Leeway):
		l.socket = nil
		_ = fail(s, nil, explain(jwt.ErrTokenExpired)) // it may have left, which is as well
		s.Disconnect(false)
		return
	case warn && left <= a.opts.ExpiringBefore:
		l.warned, warn = true, false
		_ = s.Emit(a.opts.ExpiringEvent, expiring{l.token.Expires.UnixMilli(), max(left.Milliseconds(), 0)})
	}
	due := left + a.opts.Leeway
	if warn {
		due = left - a.opts.ExpiringBefore
	}
	l.wake(a, min(due, longest))
}

// wake lets step run after d; mu is held.
func (l *login[T]) wake(a *Auth[T], d time.Duration) {
	if l.timer != nil {
		l.timer.Reset(d)
		return
	}
	l.timer = time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.step(a)
	})
}

// expiring tells a client when its token expires, in milliseconds.
type expiring struct {
	ExpiresAt   int64 `json:"expiresAt"`
	ExpiresInMs int64 `json:"expiresInMs"`
}
