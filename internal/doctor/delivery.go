package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/damso/damso/socketio/packet"
)

const (
	// ears is how many clients listen to each other.
	ears = 6
	// deliveryTime is how long what one says may take to reach the others.
	deliveryTime = 4 * time.Second
	// maxHeard is how many events an ear keeps.
	maxHeard = 1000
)

// An ear is a client that hears what the server sends to its namespace.
type ear struct {
	talk *talk

	mu      sync.Mutex
	heard   [][]byte      // the arrays of the events; guarded by mu
	changed chan struct{} // has room for one: shared by all ears
}

// listen hears events until ctx ends or the session does.
func (r *ear) listen(ctx context.Context) {
	for {
		p, err := r.talk.next(ctx)
		if err != nil {
			return
		}
		if p.Type != packet.Event && p.Type != packet.BinaryEvent {
			continue
		}
		r.mu.Lock()
		if len(r.heard) < maxHeard {
			r.heard = append(r.heard, bytes.Clone(p.Data))
		}
		r.mu.Unlock()
		select {
		case r.changed <- struct{}{}:
		default:
		}
	}
}

// count is how many events of a name that have the token in them were heard.
func (r *ear) count(event, token string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, array := range r.heard {
		if name, _, err := packet.EventName(array); err == nil && name == event && bytes.Contains(array, []byte(token)) {
			n++
		}
	}
	return n
}

// checkDelivery looks whether clients of one namespace hear each other, whichever
// nodes they are on. Only an event that the server sends to all can show it.
func (e *exam) checkDelivery(ctx context.Context) string {
	expect := e.options.Expect
	switch {
	case !e.joins:
		return notApplicable
	case expect == "" && e.target.namespace != "/chat":
		return "delivery-unchecked"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*partTimeout+deliveryTime)
	defer cancel()
	var listening sync.WaitGroup
	all, err := e.gather(ctx, &listening)
	defer func() {
		cancel()
		listening.Wait()
		for _, r := range all {
			e.leave(r.talk.link)
		}
	}()
	if err != nil {
		return e.failedDelivery(err)
	}
	if expect == "" { // Damso's chat greets with its node's name, and announces who joins
		if all[0].count("node", "") == 0 && !waitFor(ctx, all[0].changed, func() bool { return all[0].count("node", "") > 0 }) {
			return "delivery-unchecked"
		}
		expect = "msgToClient"
	}
	if e.options.Emit == "" {
		return e.judgeJoins(ctx, all, expect)
	}
	return e.judgeEmits(ctx, all, expect)
}

func (e *exam) failedDelivery(err error) (skipped string) {
	switch {
	case e.lost(err):
	case late(err):
		return "too-slow"
	default:
		e.find("some-requests-fail", "some-requests", 1, ears, brief(err.Error()))
	}
	return ""
}

// gather lets ears join, one after the other. Those that it returns, also with an
// error, are the caller's to close.
func (e *exam) gather(ctx context.Context, listening *sync.WaitGroup) (all []*ear, err error) {
	changed := make(chan struct{}, 1)
	for range ears {
		l, err := e.link(ctx)
		if err != nil {
			return all, err
		}
		r := &ear{talk: &talk{link: l, protocol: e.target.protocol}, changed: changed}
		all = append(all, r)
		if err := r.talk.join(ctx, e.target); err != nil {
			return all, err
		}
		listening.Go(func() { r.listen(ctx) })
	}
	return all, nil
}

// waitFor waits until done, for as long as a delivery may take, and returns whether it is.
func waitFor(ctx context.Context, changed <-chan struct{}, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	for !done() {
		select {
		case <-changed:
		case <-ctx.Done():
			return done()
		}
	}
	return true
}

// judgeJoins is for servers that tell all when somebody joins: each ear must have
// heard of those who joined after it.
func (e *exam) judgeJoins(ctx context.Context, all []*ear, event string) string {
	missing := func() (n int) {
		for i, r := range all {
			n += max(0, len(all)-1-i-r.count(event, ""))
		}
		return n
	}
	pairs := len(all) * (len(all) - 1) / 2
	if waitFor(ctx, all[0].changed, func() bool { return missing() == 0 }) {
		return ""
	}
	if missing() == pairs {
		e.find("event-unheard", "unheard", event)
		return ""
	}
	e.find("adapter", "missing-joins", missing(), pairs, event)
	return ""
}

// judgeEmits lets each ear say something that all must hear.
func (e *exam) judgeEmits(ctx context.Context, all []*ear, event string) string {
	tokens := make([]string, len(all))
	for i, r := range all {
		tokens[i] = "doctor-" + strings.ToLower(rand.Text())
		if err := r.talk.say(ctx, e.target.event(e.options.Emit, tokens[i])); err != nil {
			return e.failedDelivery(err)
		}
	}
	reached := func(from, to int) bool { return all[to].count(event, tokens[from]) > 0 }
	waitFor(ctx, all[0].changed, func() bool { return crossed(len(all), reached) == len(all)*(len(all)-1) })
	e.judgeReach(event, len(all), reached)
	return ""
}

// crossed is how many of the ways from one to another are open.
func crossed(n int, reached func(from, to int) bool) (count int) {
	for from := range n {
		for to := range n {
			if from != to && reached(from, to) {
				count++
			}
		}
	}
	return count
}

func (e *exam) judgeReach(event string, n int, reached func(from, to int) bool) {
	open, pairs := crossed(n, reached), n*(n-1)
	own := 0
	for i := range n {
		if reached(i, i) {
			own++
		}
	}
	switch {
	case open == pairs:
	case open > 0:
		e.find("adapter", "missing", pairs-open, pairs, event, groups(n, reached))
	case own > 0:
		e.find("event-unheard", "only-own", event)
	default:
		e.find("event-unheard", "unheard", event)
	}
}

// groups writes down who hears each other, by numbers from 1: "1+3, 2+4".
func groups(n int, reached func(from, to int) bool) string {
	var texts []string
	in := make([]bool, n)
	for i := range n {
		if in[i] {
			continue
		}
		members := []string{fmt.Sprint(i + 1)}
		for j := i + 1; j < n; j++ {
			if !in[j] && reached(i, j) && reached(j, i) {
				in[j] = true
				members = append(members, fmt.Sprint(j+1))
			}
		}
		texts = append(texts, strings.Join(members, "+"))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// event is the packet of what Options.Emit says.
func (t *target) event(emit, token string) string {
	array := []byte(strings.ReplaceAll(emit, "%token%", token))
	if !strings.HasPrefix(strings.TrimSpace(emit), "[") {
		array, _ = json.Marshal([]string{emit, token}) // strings have no errors
	}
	p := packet.Packet{Type: packet.Event, Namespace: t.namespace, Data: array}
	return string(p.Append(nil))
}
