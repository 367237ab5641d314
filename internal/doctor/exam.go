package doctor

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"
)

// An exam is one examination. All of it is the goroutine's that runs it; what
// others find out comes back by channels.
type exam struct {
	options Options
	target  *target
	words   language
	report  *Report

	open     *opening      // of the first session; nil until there is one
	openings []*opening    // of others, to tell nodes apart
	polls    bool          // sessions over long-polling work
	sockets  bool          // sessions over WebSocket work
	joins    bool          // the namespace lets us in
	plain    time.Duration // what a request takes that does not wait
	stopped  bool          // nothing more can be seen

	background sync.WaitGroup
	idle       chan idleEnd // what became of the sessions that idle
	idlers     int          // how many there are
}

// A check is one step. It returns why it could not be done: the id of a note, or
// notApplicable, or "" if it was.
type check struct {
	id  string
	run func(*exam, context.Context) (skipped string)
}

// notApplicable means that there is nothing to check, and nothing to say about it.
const notApplicable = "-"

// checks are in order: each builds on what those before it have found out.
var checks = []check{
	{"dns", (*exam).checkDNS},
	{"tcp", (*exam).checkTCP},
	{"tls", (*exam).checkTLS},
	{"path", (*exam).checkPath},
	{"protocols", (*exam).checkProtocols},
	{"sessions", (*exam).checkSessions},
	{"websocket", (*exam).checkWebSocket},
	{"idle-start", (*exam).startIdling},
	{"upgrade", (*exam).checkUpgrade},
	{"polling", (*exam).checkPolling},
	{"payload", (*exam).checkPayload},
	{"cors", (*exam).checkCORS},
	{"heartbeat", (*exam).checkHeartbeat},
	{"join", (*exam).checkJoin},
	{"delivery", (*exam).checkDelivery},
	{"nodes", (*exam).checkNodes},
	{"idle", (*exam).checkIdle},
}

func newExam(o Options, t *target) *exam {
	return &exam{options: o, target: t, words: languageOf(o.Language), report: &Report{
		Version: 1, URL: t.scheme + "://" + t.host() + t.path,
		Findings: []Finding{}, Notes: []Note{}, Checks: []Check{},
		Server: Server{Protocols: []int{}, Clients: []string{}, Nodes: []string{}},
	}}
}

// run does the checks. When it returns, nothing that they started is left.
func (e *exam) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer e.background.Wait()
	defer cancel()
	for _, c := range checks {
		e.check(ctx, c)
	}
	if ctx.Err() != nil && !e.stopped {
		e.note("out-of-time")
	}
	slices.SortStableFunc(e.report.Findings, func(a, b Finding) int { return cmp.Compare(a.Severity, b.Severity) })
	e.report.Healthy = len(e.report.Findings) == 0
}

func (e *exam) check(ctx context.Context, c check) {
	start, before := time.Now(), e.seen()
	skipped := notApplicable
	if !e.stopped && ctx.Err() == nil {
		skipped = c.run(e, ctx)
	}
	done := Check{ID: c.id, Status: "ok", Millis: millis(time.Since(start)), Text: e.words.of(checkNames[c.id])}
	switch {
	case e.seen() > before:
		done.Status = "findings"
	case skipped != "":
		done.Status = "skipped"
	}
	if skipped != "" && skipped != notApplicable {
		e.note(skipped)
	}
	if done.Text == "" { // a start, not a check
		return
	}
	e.report.Checks = append(e.report.Checks, done)
	if e.options.Progress != nil {
		e.options.Progress(done)
	}
}

// seen counts the evidence.
func (e *exam) seen() (n int) {
	for _, f := range e.report.Findings {
		n += len(f.Evidence)
	}
	return n
}

// find adds a finding, or evidence to it. line is the key of the evidence's text.
func (e *exam) find(id, line string, args ...any) {
	evidence := e.words.line(line, args...)
	for i := range e.report.Findings {
		if f := &e.report.Findings[i]; f.ID == id {
			if !slices.Contains(f.Evidence, evidence) {
				f.Evidence = append(f.Evidence, evidence)
			}
			return
		}
	}
	f := e.words.finding(id)
	f.Evidence = []string{evidence}
	e.report.Findings = append(e.report.Findings, f)
}

// found reports whether there is a finding.
func (e *exam) found(id string) bool {
	return slices.ContainsFunc(e.report.Findings, func(f Finding) bool { return f.ID == id })
}

func (e *exam) note(id string, args ...any) {
	if !slices.ContainsFunc(e.report.Notes, func(n Note) bool { return n.ID == id }) {
		e.report.Notes = append(e.report.Notes, Note{id, e.words.note(id, args...)})
	}
}

// stop ends the examination: there is nothing to look at.
func (e *exam) stop() { e.stopped = true }

// session opens a session over long-polling, as a browser has it: with cookies, on
// connections that are kept.
func (e *exam) session(ctx context.Context) (p *polling, err error) {
	err = e.insist(ctx, func(ctx context.Context) error {
		c := e.target.caller(true, true)
		if p, err = openPolling(ctx, c, e.target.protocol); err != nil {
			c.close()
		}
		return err
	})
	return p, err
}

// unopened is what a check says that got no session, though others did.
func (e *exam) unopened(err error) (skipped string) {
	if late(err) {
		return "too-slow"
	}
	e.find("some-requests-fail", "handshake-once", brief(err.Error()))
	return ""
}

// late reports whether something took longer than it may.
func late(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// tries is how often something is tried that a proxy says nobody answers to.
const tries = 4

// insist does what may meet a proxy that has lost some of its servers, not all: that
// is a finding, and the others are examined.
func (e *exam) insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	var before *refusal
	for try := 1; ; try++ {
		err := do(ctx)
		if err == nil && before != nil {
			e.find("some-requests-fail", "handshake-sometimes", before.Error())
		}
		if no := (*refusal)(nil); errors.As(err, &no) && no.gateway() && try < tries {
			before = no
			continue
		}
		return err
	}
}

// leave closes a session, which nobody waits for but run.
func (e *exam) leave(l link) { e.background.Go(l.close) }

// lost notes that a request met a node that does not know its session.
func (e *exam) lost(err error) bool {
	if isCode(err, codeSession) {
		e.find("sticky-sessions", "lost-later")
		return true
	}
	return false
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// median of durations; 0 if there are none.
func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
