package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A Query is a question on its way to the other nodes, and what has come back. The
// one who asks makes it with [NewQuery], gives it to [Namespace.Ask], and waits. The
// adapter says by Expect who is to answer and hands in the answers, in any order and
// before or after that. It is safe for concurrent use.
type Query struct {
	Op *Operation // set once

	each  func(Answer)  // set once
	ended chan struct{} // closed when all have answered, or none will

	mu       sync.Mutex
	expected bool             // Expect was called
	nodes    map[string]*debt // by id; "" is for all without a name
	lost     []string         // ids of nodes that have gone
	early    map[string]bool  // those that had gone before Expect
	err      error            // why no more can come
	doubt    error            // why it is not known who is to answer
	over     bool             // ended is closed
	closed   bool             // each is called no more
	release  []func()
}

// A debt is what is still to come from a node.
type debt struct {
	answers int // less than 0 while Expect has not been called
	acks    int // less than 0 while they are faster than the node's answer
	known   bool
}

// NewQuery returns a query. Each answer goes to each, one at a time, until Wait
// returns; each must neither block nor use the query.
func NewQuery(op *Operation, each func(Answer)) *Query {
	return &Query{Op: op, each: each, ended: make(chan struct{}), nodes: map[string]*debt{}}
}

// Expect says who is to answer: the nodes with these ids, and so many others whose
// ids are not known. Only the first call counts.
func (q *Query) Expect(ids []string, others int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.expected {
		return
	}
	q.expected = true
	for _, id := range ids {
		if q.early[id] {
			q.lost = append(q.lost, id)
			continue
		}
		d := q.of(id)
		d.answers, d.known = d.answers+1, true
	}
	rest := q.of("")
	rest.answers += others
	for id, d := range q.nodes {
		if d != rest && q.early[id] { // it was not counted
			d.answers, d.known = 0, true
		}
		if d != rest && !d.known { // it came up a moment ago and was counted as another
			rest.answers += d.answers
			d.known = d.answers < 0
			d.answers = 0
		}
	}
	q.check()
}

func (q *Query) of(id string) *debt {
	d := q.nodes[id]
	if d == nil {
		d = &debt{}
		q.nodes[id] = d
	}
	return d
}

// Answer takes an answer. What comes after the end, and a second answer of a node
// that gives its id, is dropped.
func (q *Query) Answer(a Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	d := q.of(a.Node)
	switch {
	case a.Ack:
		d.acks--
	case a.Node != "" && d.answers < 0, a.Node != "" && q.expected && d.answers == 0 && d.known:
		return
	case q.expected && a.Node != "" && !d.known:
		if !q.early[a.Node] {
			q.of("").answers--
		}
		d.known = true
		d.acks += q.owed(a)
	default:
		d.answers--
		d.acks += q.owed(a)
	}
	q.each(a)
	q.check()
}

// owed returns how many acknowledgements are to follow an answer.
func (q *Query) owed(a Answer) int {
	if q.Op.Kind != Broadcast {
		return 0
	}
	return a.Count
}

// Lost says that a node is gone: it is not waited for any more.
func (q *Query) Lost(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.expected && q.nodes[id] == nil {
		if q.early == nil {
			q.early = map[string]bool{}
		}
		q.early[id] = true
	}
	if d := q.nodes[id]; id != "" && d != nil && !q.over && (d.answers > 0 || d.acks > 0) {
		q.lost = append(q.lost, id)
		d.answers, d.acks = 0, 0
		q.check()
	}
}

// Doubt says why it is not known whether all that Expect names are all that there are.
// Wait tells so in any case.
func (q *Query) Doubt(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.doubt = err
}

// Fail says that no more answers will come, and why.
func (q *Query) Fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.over {
		q.err = err
		q.end()
	}
}

// check ends the query if nothing is to come; mu is held.
func (q *Query) check() {
	if !q.expected {
		return
	}
	for _, d := range q.nodes {
		if d.answers > 0 || d.acks > 0 {
			return
		}
	}
	q.end()
}

func (q *Query) end() {
	if !q.over {
		q.over = true
		close(q.ended)
	}
}

// OnEnd lets f be called once, by Wait, when the query is over; at once if it is.
func (q *Query) OnEnd(f func()) {
	q.mu.Lock()
	closed := q.closed
	if !closed {
		q.release = append(q.release, f)
	}
	q.mu.Unlock()
	if closed {
		f()
	}
}

// Wait returns when all answers are there, when Op.Timeout has passed, or when ctx
// ends. The error is nil or a [*MissingError]. It must be called once for a query that
// was asked.
func (q *Query) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, q.Op.Timeout)
	defer cancel()
	select {
	case <-q.ended:
	case <-ctx.Done():
	}
	q.mu.Lock()
	missing := q.missing(ctx.Err())
	q.closed = true
	q.end()
	release := q.release
	q.release = nil
	q.mu.Unlock()
	for _, f := range release {
		f()
	}
	if missing == nil {
		return nil
	}
	return missing
}

// missing tells who has not answered, or returns nil; mu is held.
func (q *Query) missing(err error) *MissingError {
	if q.over && q.err == nil && q.doubt == nil && len(q.lost) == 0 {
		return nil
	}
	e := &MissingError{Nodes: slices.Clone(q.lost), Unknown: q.doubt != nil}
	switch {
	case q.err != nil:
		e.Err = q.err
	case !q.over && q.doubt != nil:
		e.Err = fmt.Errorf("%w; %w", err, q.doubt)
	case !q.over:
		e.Err = err
	default:
		e.Err = cmp.Or(q.doubt, errLost)
	}
	for id, d := range q.nodes {
		e.Acks += max(d.acks, 0)
		switch {
		case id == "":
			e.Others = max(d.answers, 0)
		case d.answers > 0:
			e.Nodes = append(e.Nodes, id)
		}
	}
	slices.Sort(e.Nodes)
	return e
}

var errLost = errors.New("a node has gone")

// A MissingError says who has not answered a question.
type MissingError struct {
	Nodes   []string // ids of nodes, sorted
	Others  int      // number of nodes whose ids are not known, as servers of Node.js
	Acks    int      // number of clients of the nodes that did answer
	Unknown bool     // there may be more: not all could be counted
	Err     error    // why they were not waited for any longer
}

func (e *MissingError) Error() string {
	var who []string
	if len(e.Nodes) > 0 {
		who = append(who, "nodes "+strings.Join(e.Nodes, ", "))
	}
	if e.Others > 0 {
		who = append(who, fmt.Sprintf("%d other nodes", e.Others))
	}
	if e.Acks > 0 {
		who = append(who, fmt.Sprintf("%d clients", e.Acks))
	}
	if e.Unknown || len(who) == 0 {
		who = append(who, "other nodes")
	}
	return fmt.Sprintf("adapter: no answer from %s: %v", strings.Join(who, ", "), e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }
