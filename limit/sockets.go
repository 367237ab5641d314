package limit

import (
	"context"
	"slices"

	"github.com/damso/damso/socketio"
)

// A seat is a user's place in a namespace.
type seat struct{ namespace, user string }

// at returns where s sits, false if it is nobody's.
func (l *Limiter) at(ctx context.Context, s *socketio.Socket) (seat, bool) {
	user := l.opts.User(ctx, s)
	return seat{s.Namespace().Name(), user}, user != ""
}

// seat is put around the entry of clients, and refuses those of users who have too
// many sockets.
func (l *Limiter) seat(next func(context.Context, *socketio.Socket) error) func(context.Context, *socketio.Socket) error {
	return func(ctx context.Context, s *socketio.Socket) error {
		if at, ok := l.at(ctx, s); ok {
			if _, ok := l.sit(at, s); !ok {
				l.counters.sockets.Add(1)
				return errSockets
			}
			context.AfterFunc(s.Context(), func() { l.rise(at, s) })
		}
		return next(ctx, s)
	}
}

const tooMany = "too many connections of this user"

var errSockets = &socketio.ConnectError{Message: tooMany, Data: map[string]string{"code": CodeConnections, "message": tooMany}}

// replace gives a socket that has joined the seat of an older one, if there is no
// other.
func (l *Limiter) replace(ctx context.Context, s *socketio.Socket) error {
	at, ok := l.at(ctx, s)
	if !ok {
		return nil
	}
	oldest, _ := l.sit(at, s)
	context.AfterFunc(s.Context(), func() { l.rise(at, s) })
	if oldest == nil {
		return nil
	}
	l.counters.replaced.Add(1)
	a := answer{Status: "error", Code: CodeReplaced, Message: "a newer connection took the place of this one"}
	_ = oldest.Emit("exception", a) // it may have left, which is as well
	oldest.Disconnect(false)
	return nil
}

// sit gives s a seat. If there is none, it gets that of the oldest socket, if that may
// be, which then has to go.
func (l *Limiter) sit(at seat, s *socketio.Socket) (oldest *socketio.Socket, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.users[at]
	if len(all) >= l.opts.SocketsPerUser {
		if !l.opts.ReplaceOldest {
			return nil, false
		}
		oldest = all[0]
		all = slices.Delete(all, 0, 1)
	}
	l.users[at] = append(all, s)
	return oldest, true
}

// rise gives the seat of s back, if it has one.
func (l *Limiter) rise(at seat, s *socketio.Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.users[at]
	if i := slices.Index(all, s); i >= 0 {
		l.users[at] = slices.Delete(all, i, i+1)
	}
	if len(l.users[at]) == 0 {
		delete(l.users, at)
	}
}
