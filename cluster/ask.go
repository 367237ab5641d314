package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// A question is a client's request that another node answers.
type question struct {
	// Set once.
	id      uint64
	node    string // that is asked
	session string
	poll    bool        // it waits for something to send
	news    chan record // the answer, and what there is to know meanwhile
	failed  chan struct{}
	doubt   chan struct{} // has room for one: the answer may be lost

	err error // why failed was closed; guarded by Node.mu until then
}

// fail ends the question without an answer; Node.mu is held.
func (q *question) fail(why error) {
	if q.err == nil {
		q.err = why
		close(q.failed)
	}
}

// Poll implements [engineio.Router].
func (n *Node) Poll(ctx context.Context, p *engineio.Poll) (*engineio.PollReply, error) {
	node, err := n.find(ctx, p.Session)
	if err != nil {
		return nil, err
	}
	r := record{kind: kindPoll, flags: protocolFlag(p.Protocol), session: p.Session, encoding: p.Encoding}
	if p.Post {
		r.flags |= flagPost
		body := &held{node: n, body: p.Body}
		defer body.release()
		if r.body, err = io.ReadAll(body); err != nil {
			return nil, fmt.Errorf("cluster: data for another node: %w", err)
		}
	}
	if p.Binary {
		r.flags |= flagBinary
	}
	answer, err := n.ask(ctx, node, r)
	if err != nil {
		return nil, err
	}
	if refusal := answer.refusal(); refusal != nil {
		return &engineio.PollReply{Refusal: refusal}, nil
	}
	reply := &engineio.PollReply{Status: int(answer.number), Type: answer.typ, Encoding: answer.encoding, Body: answer.body}
	if answer.flags&flagMessages != 0 {
		reply.Delivered = func(ok bool) {
			r := record{kind: kindDelivered, id: answer.id, session: p.Session}
			if !ok {
				r.kind, r.flags = kindCancel, flagLost
			}
			n.peer(node).send(r)
		}
	}
	return reply, nil
}

// Upgrade implements [engineio.Router]. A client that is refused goes on polling; one whose
// connection ends in the middle of its upgrade does not: it says nothing any more.
func (n *Node) Upgrade(ctx context.Context, u *engineio.Upgrade) error {
	if n.draining() {
		return engineio.ErrBusy
	}
	node, err := n.find(ctx, u.Session)
	if err != nil {
		return err
	}
	answer, err := n.ask(ctx, node, upgradeRecord(kindUpgrade, u))
	if err != nil {
		return err
	}
	if refusal := answer.refusal(); refusal != nil {
		return refusal
	}
	return nil
}

func protocolFlag(protocol int) byte {
	if protocol == 4 {
		return flagProtocol4
	}
	return 0
}

// refusal is what the other node does not like about the request, or nil.
func (r *record) refusal() *engineio.ConnectionError {
	if r.flags&flagRefused == 0 {
		return nil
	}
	return &engineio.ConnectionError{Code: int(r.number), Message: string(r.body)}
}

// A held body is counted while a request is under way.
type held struct {
	node *Node
	body io.Reader
	size int
}

// Read implements [io.Reader]. It returns [engineio.ErrBusy] when there is no room.
func (h *held) Read(p []byte) (int, error) {
	k, err := h.body.Read(p)
	h.size += k
	h.node.mu.Lock()
	defer h.node.mu.Unlock()
	h.node.bytes += k
	if h.node.bytes > h.node.opts.MaxBytes {
		err = engineio.ErrBusy
	}
	return k, err
}

func (h *held) release() {
	h.node.mu.Lock()
	defer h.node.mu.Unlock()
	h.node.bytes -= h.size
}

// ask sends a request to the node that has its session and returns the answer.
func (n *Node) ask(ctx context.Context, node string, r record) (record, error) {
	q, err := n.begin(node, &r)
	if err != nil {
		return record{}, err
	}
	defer n.end(q)
	n.counters.asked.Add(1)
	answer, err := n.exchange(ctx, q, r)
	if err != nil && ctx.Err() == nil { // else the client has left
		n.counters.failed.Add(1)
	}
	return answer, err
}

// exchange sends the request of a question and returns the answer.
func (n *Node) exchange(ctx context.Context, q *question, r record) (record, error) {
	switch err := send(q.node, r, n.mesh.Send); {
	case errors.Is(err, adapter.ErrNode):
		return record{}, errDead
	case err != nil:
		return record{}, fmt.Errorf("cluster: %w: %w", engineio.ErrBusy, err)
	}
	return n.await(ctx, q)
}

// begin makes a question of r and gives it an id.
func (n *Node) begin(node string, r *record) (*question, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return nil, errStopped
	case n.load[node] >= n.opts.MaxRequests-len(n.asked):
		return nil, engineio.ErrBusy
	}
	n.next++
	r.id = n.next
	q := &question{
		id: r.id, node: node, session: r.session, poll: r.kind == kindPoll && r.flags&flagPost == 0,
		news: make(chan record, 4), failed: make(chan struct{}), doubt: make(chan struct{}, 1),
	}
	n.asked[q.id] = q
	n.load[node]++
	return q, nil
}

func (n *Node) end(q *question) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.asked, q.id)
	if n.load[q.node]--; n.load[q.node] == 0 {
		delete(n.load, q.node)
	}
	n.dropParts(far{node: q.node, id: q.id})
}

// answerTimeout is how long another node may take for what needs no waiting. It is asked
// about it sooner, since then it is known at once when there is nobody to ask.
const (
	answerTimeout = 3 * time.Second
	askSoon       = 500 * time.Millisecond
)

// await waits for the answer. When it does not come in time, it asks whether it still
// will: a session may have a reason to let its client wait, but messages can get lost.
func (n *Node) await(ctx context.Context, q *question) (record, error) {
	first, patience := askSoon, answerTimeout
	if q.poll {
		first, patience = n.opts.AskAfter, n.opts.AskAfter
	}
	timer := time.NewTimer(first)
	defer timer.Stop()
	drained, again := n.drained, (<-chan time.Time)(nil)
	for asked := false; ; {
		select {
		case r := <-q.news:
			switch {
			case r.kind == kindReply:
				return r, nil
			case r.kind == kindGone:
				n.cancel(q, true)
				return record{}, errLost
			}
			asked = false
			timer.Reset(patience)
		case <-timer.C:
			if asked {
				n.cancel(q, true)
				return record{}, errLost
			}
			asked = true
			_ = n.mesh.Send(q.node, message(record{kind: kindAsk, id: q.id})) // then nothing comes
			timer.Reset(answerTimeout)
		case <-q.doubt:
			if !asked {
				timer.Reset(0)
			}
		case <-drained:
			drained, again = nil, time.Tick(releaseAgain) // it may not wait yet
			n.release(q)
		case <-again:
			n.release(q)
		case <-q.failed:
			return record{}, q.err
		case <-ctx.Done():
			n.cancel(q, false)
			return record{}, ctx.Err()
		case <-n.ctx.Done():
			n.cancel(q, true)
			return record{}, errStopped
		}
	}
}

// cancel tells the other node that nobody waits for the answer; lost says that the
// session must end, since it may have been in it.
func (n *Node) cancel(q *question, lost bool) {
	r := record{kind: kindCancel, id: q.id, session: q.session}
	switch {
	case lost:
		r.flags = flagLost
	case q.poll:
		r.flags = flagPolled
	}
	_ = n.mesh.Send(q.node, message(r)) // the session's heartbeat ends it, too
}

// releaseAgain is how often a poll is asked to end, while this node is about to stop.
const releaseAgain = 200 * time.Millisecond

// release asks the other node to answer soon.
func (n *Node) release(q *question) {
	if q.poll {
		_ = n.mesh.Send(q.node, message(record{kind: kindRelease, id: q.id, session: q.session})) // else it is given up a little later
	}
}

// answered takes an answer, or news of it.
func (n *Node) answered(from string, r record) {
	n.mu.Lock()
	q := n.asked[r.id]
	n.mu.Unlock()
	if q == nil || q.node != from {
		return // nobody waits for it any more
	}
	select {
	case q.news <- r:
	default: // it has more than enough already
	}
}
