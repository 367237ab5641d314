package webtransport

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// defaultIdle is how long a connection may stay without a session.
const defaultIdle = 10 * time.Second

// A usage closes a connection that has had no session for too long.
type usage struct {
	idle time.Duration // set once

	mu       sync.Mutex
	sessions int         // guarded by mu
	timer    *time.Timer // closes the connection; guarded by mu
}

// usageKey is the key of a connection's usage in the context of its requests.
type usageKey struct{}

func (l *listener) withUsage(ctx context.Context, conn *quic.Conn) context.Context {
	return context.WithValue(ctx, usageKey{}, &usage{
		idle: l.idle,
		timer: time.AfterFunc(l.idle, func() {
			_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		}),
	})
}

// add notes that a session has begun or, with -1, ended.
func (u *usage) add(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sessions += n
	if u.sessions == 0 {
		u.timer.Reset(u.idle)
	} else {
		u.timer.Stop()
	}
}
