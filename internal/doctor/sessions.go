package doctor

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// trialSessions is how many sessions a trial has at the same time. With two nodes
// and requests that are spread blindly, not one of them stays whole by chance.
const trialSessions = 6

// A trial is what became of some sessions at the same time.
type trial struct {
	openings []*opening
	lost     int // sessions of which a request met a node that does not know it
	failed   int // sessions that failed in another way
	failure  error
}

// slow is how long a request that waits for nothing may take.
const slow = 1500 * time.Millisecond

// measure returns how long requests take that wait for nothing, on a connection that
// is kept: the least of some, which is the way and the server, not a moment's load.
func (e *exam) measure(ctx context.Context) (least time.Duration) {
	c := e.target.caller(true, true)
	defer c.close()
	for i := range echoes {
		if i == 2 && least > slow {
			break
		}
		took := ask(ctx, c, e.target.url("polling", e.target.protocol, unknown))
		if took > 0 && (least == 0 || took < least) {
			least = took
		}
	}
	return least
}

// unknown is the id of a session that does not exist, which is refused at once.
const unknown = "damso-doctor-unknown"

// ask returns how long an answer took; 0 if there was none.
func ask(ctx context.Context, c *caller, u *url.URL) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	a, err := c.do(ctx, http.MethodGet, u, nil, nil)
	if err != nil {
		return 0
	}
	return a.total
}

// try opens sessions and has things echoed in each.
func (e *exam) try(ctx context.Context, keep, cookies bool) *trial {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	openings := make([]*opening, trialSessions)
	errs := make([]error, trialSessions)
	each(trialSessions, func(i int) {
		openings[i], errs[i] = e.visit(ctx, e.target.caller(keep, cookies))
	})
	t := &trial{}
	for i, err := range errs {
		if openings[i] != nil {
			t.openings = append(t.openings, openings[i])
		}
		switch {
		case isCode(err, codeSession):
			t.lost++
		case err != nil && !late(err): // what comes late is for other checks to judge
			t.failed++
			t.failure = err
		}
	}
	return t
}

// visit is one session: it opens, has two things echoed, and closes.
func (e *exam) visit(ctx context.Context, c *caller) (*opening, error) {
	p, err := openPolling(ctx, c, e.target.protocol)
	if err != nil {
		c.close()
		return nil, err
	}
	defer e.leave(p)
	talk := &talk{link: p, protocol: e.target.protocol}
	for range 2 {
		if _, err := talk.echo(ctx); err != nil {
			return p.open, err
		}
	}
	return p.open, nil
}

// checkSessions looks whether the requests of a session find their node, whichever
// connection they come over.
func (e *exam) checkSessions(ctx context.Context) string {
	if !e.polls {
		return notApplicable
	}
	e.plain = e.measure(ctx)
	e.report.Latency.Request = millis(e.plain)
	t := e.try(ctx, false, true)
	e.openings = t.openings
	switch {
	case e.cached(t):
		e.polls = false
	case t.lost > 0:
		e.split(ctx, t)
	case t.failed > 0:
		e.find("some-requests-fail", "some-requests", t.failed, trialSessions, brief(t.failure.Error()))
	case e.plain <= slow:
		if e.try(ctx, false, false).lost > 0 {
			e.note("sticky-by-cookie")
		}
	}
	if e.plain > slow {
		e.find("slow-server", "slow-server", e.plain.Seconds())
	}
	return ""
}

// split names the sticky-session problem, and finds out what would help.
func (e *exam) split(ctx context.Context, t *trial) {
	e.find("sticky-sessions", "lost", t.lost, trialSessions)
	e.find("sticky-sessions", "lost-cookies")
	if kept := e.try(ctx, true, true); kept.lost > 0 {
		e.find("sticky-sessions", "lost-kept")
		e.polls = false
	} else {
		e.find("sticky-sessions", "lost-not-kept")
	}
}

// cached looks whether two handshakes had one answer.
func (e *exam) cached(t *trial) bool {
	seen := map[string]bool{}
	for _, o := range t.openings {
		if seen[o.SID] {
			e.find("proxy-caching", "same-sid")
			return true
		}
		seen[o.SID] = true
	}
	return false
}

// each calls f for 0 to n-1, at the same time, and waits for all.
func each(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}
