package cluster

import (
	"bytes"
	"context"
	"net/http"

	"github.com/damso/damso/engineio"
)

// A task is a request that came to another node and is served here.
type task struct {
	cancel context.CancelFunc
}

// servePoll serves a request of a client that polls.
func (n *Node) servePoll(from string, r record) {
	n.counters.served.Add(1)
	ctx, cancel := context.WithCancel(n.ctx)
	key := far{node: from, id: r.id}
	if !n.accept(key, &task{cancel}, func() { n.finishPoll(ctx, key, r) }) {
		cancel()
		_ = n.mesh.Send(from, message(record{kind: kindReply, id: r.id, number: http.StatusServiceUnavailable}))
	}
}

// finish forgets a task, and reports whether it was canceled before.
func (n *Node) finish(ctx context.Context, key far) (canceled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	canceled = ctx.Err() != nil
	n.served[key].cancel()
	delete(n.served, key)
	return canceled
}

// accept notes a task and begins with it, if there is room.
func (n *Node) accept(key far, t *task, work func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.served) >= n.opts.MaxRequests || n.served[key] != nil {
		return false
	}
	n.served[key] = t
	n.wg.Go(work)
	return true
}

func (n *Node) finishPoll(ctx context.Context, key far, r record) {
	p := &engineio.Poll{
		From: key.node, Session: r.session, Protocol: protocolOf(r.flags), Post: r.flags&flagPost != 0, Binary: r.flags&flagBinary != 0,
		Encoding: r.encoding, Body: bytes.NewReader(r.body),
	}
	reply := n.engine.ServePoll(ctx, p)
	answer := record{kind: kindReply, id: r.id, number: uint64(reply.Status), typ: reply.Type, encoding: reply.Encoding, body: reply.Body}
	if reply.Messages {
		answer.flags = flagMessages
	}
	if reply.Refusal != nil {
		answer = refused(r.id, reply.Refusal)
	}
	err := ctx.Err()
	if err == nil {
		err = send(key.node, answer, func(to string, message []byte) error { return n.sendPatiently(ctx, to, message) })
	}
	switch canceled := n.finish(ctx, key); {
	case canceled && reply.Messages: // the client is gone, and they with it
		n.engine.Lost(r.session)
	case err != nil && !canceled:
		n.opts.Logger.Debug("answer to another node was not sent", "to", key.node, "error", err)
		n.engine.Lost(r.session)
	}
}

func protocolOf(flags byte) int {
	if flags&flagProtocol4 != 0 {
		return 4
	}
	return 3
}

func refused(id uint64, e *engineio.ConnectionError) record {
	return record{kind: kindReply, id: id, flags: flagRefused, number: uint64(e.Code), body: []byte(e.Message)}
}

// serveUpgrade says whether a session may be upgraded.
func (n *Node) serveUpgrade(from string, r record) {
	n.counters.served.Add(1)
	answer := record{kind: kindReply, id: r.id, number: http.StatusOK}
	if refusal := n.engine.CheckUpgrade(upgradeOf(&r)); refusal != nil {
		answer = refused(r.id, refusal)
	}
	_ = n.mesh.Send(from, message(answer)) // silence is an answer, too
}

// serveAgain takes what there is to say about a request that is being served.
func (n *Node) serveAgain(from string, r record) {
	n.mu.Lock()
	t := n.served[far{node: from, id: r.id}]
	n.mu.Unlock()
	switch r.kind {
	case kindAsk:
		r := record{kind: kindGone, id: r.id}
		if t != nil {
			r.kind = kindKnown
		}
		_ = n.mesh.Send(from, message(r)) // silence is an answer, too
	case kindRelease:
		if t != nil {
			n.engine.ReleasePoll(r.session)
		}
	case kindCancel:
		if n.cancelTask(far{from, r.id, true}); r.flags&flagLost != 0 {
			n.engine.Lost(r.session)
		} else if r.flags&flagPolled != 0 && t == nil {
			n.engine.Aborted(r.session, from)
		}
	}
}

// cancelTask gives up a task, and what has come of one that has not begun.
func (n *Node) cancelTask(key far) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dropParts(key)
	key.opener = false
	if t := n.served[key]; t != nil {
		t.cancel()
	}
}

// upgradeRecord says what a session is to be upgraded to.
func upgradeRecord(k kind, u *engineio.Upgrade) record {
	r := record{kind: k, session: u.Session, flags: protocolFlag(u.Protocol)}
	if u.Base64 {
		r.flags |= flagBase64
	}
	if u.Deflate {
		r.flags |= flagDeflate
	}
	if u.Transport == engineio.WebTransport {
		r.flags |= flagWebTransport
	}
	return r
}

func upgradeOf(r *record) *engineio.Upgrade {
	u := &engineio.Upgrade{
		Session: r.session, Protocol: protocolOf(r.flags), Transport: engineio.WebSocket,
		Base64: r.flags&flagBase64 != 0, Deflate: r.flags&flagDeflate != 0,
	}
	if r.flags&flagWebTransport != 0 {
		u.Transport = engineio.WebTransport
	}
	return u
}
