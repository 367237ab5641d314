package doctor

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

const (
	// idleTime is how long a session idles when nobody asked to be slow.
	idleTime = 4 * time.Second
	// pingGrace is how late a ping may be.
	pingGrace = 5 * time.Second
	// usualPatience is after how long the usual proxies cut what is silent: nginx,
	// HAProxy's common settings and the clouds' load balancers say 60 seconds.
	usualPatience = 60 * time.Second
)

// An idleEnd is what became of a session in which nobody said anything.
type idleEnd struct {
	transport string
	after     time.Duration
	err       error // nil if it lived
}

// startIdling opens a session of each transport that works, and leaves them alone
// while the other checks go on.
func (e *exam) startIdling(ctx context.Context) string {
	e.idle = make(chan idleEnd, 2) // each has room
	if e.sockets {
		if w, _, err := e.webSocket(ctx); err == nil {
			e.idlers++
			e.background.Go(func() { e.idle <- e.rest(ctx, "WebSocket", w) })
		}
	}
	if e.polls {
		if p, err := e.session(ctx); err == nil {
			e.idlers++
			e.background.Go(func() { e.idle <- e.rest(ctx, "long-polling", p) })
		}
	}
	return ""
}

// rest waits in a session: for a while, or if Slow for the server's ping.
func (e *exam) rest(ctx context.Context, transport string, l link) idleEnd {
	defer e.leave(l)
	talk := &talk{link: l, protocol: e.target.protocol}
	wait := cmp.Or(e.options.idle, idleTime)
	if e.options.Slow {
		_ = talk.join(ctx, e.target) // servers may end sessions that never join
		wait = e.pingInterval()
		if e.target.protocol == 4 {
			wait += pingGrace
		}
	}
	resting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	start := time.Now()
	for {
		packets, err := l.receive(resting)
		late := resting.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case err != nil && late && (e.target.protocol == 3 || !e.options.Slow || ctx.Err() != nil):
			return idleEnd{transport: transport}
		case err != nil:
			return idleEnd{transport, time.Since(start), err}
		case len(packets) > 0 && packets[0].Type == enginewire.Ping:
			return idleEnd{transport: transport}
		}
	}
}

func (e *exam) pingInterval() time.Duration {
	return time.Duration(e.open.PingInterval) * time.Millisecond
}

// checkIdle waits for what startIdling began.
func (e *exam) checkIdle(context.Context) string {
	if e.idlers == 0 {
		return notApplicable
	}
	for range e.idlers {
		if end := <-e.idle; end.err != nil {
			e.find("idle-timeout", "cut", end.transport, end.after.Seconds(), e.pingInterval().Seconds(), brief(end.err.Error()))
		}
	}
	return ""
}

// checkHeartbeat compares the server's heartbeat with the patience of the usual
// proxies, where it was not waited for.
func (e *exam) checkHeartbeat(context.Context) string {
	switch {
	case e.open == nil:
		return notApplicable
	case e.options.Slow:
		return ""
	case e.pingInterval() >= usualPatience:
		e.find("ping-interval", "ping-interval", e.pingInterval().Seconds(), usualPatience.Seconds())
	}
	return "idle-unchecked"
}
