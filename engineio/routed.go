package engineio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// ServePoll serves a request that a client has made to another node, and returns the
// answer, for which it may have to wait as a poll does. When ctx ends, the client has
// left. What concerns the answer's way to the client is the other node's business: CORS, the
// Headers hook, OnConnectionError.
func (s *Server) ServePoll(ctx context.Context, p *Poll) *PollReply {
	session, refusal := s.find(p.Session, p.Protocol, Polling, false)
	if refusal != nil {
		return &PollReply{Refusal: refusal}
	}
	w := &replyWriter{from: p.From, header: http.Header{}}
	session.servePolling(w, p.request(ctx))
	if w.messages {
		session.delivers(p.From)
	}
	return &PollReply{
		Status: w.status, Type: w.header.Get("Content-Type"), Encoding: w.header.Get("Content-Encoding"), Body: w.body.Bytes(),
		Messages: w.messages,
	}
}

// A delivery is an answer with messages that another node has still to give to the
// client. Proxies repeat a GET at the next node when theirs dies; what is not known
// to have arrived by then is lost, and the session must not go on as if it had.
type delivery struct {
	from    string
	done    chan struct{} // closed when the answer was given, or the session has ended
	waiting chan struct{} // closed when another GET waits for that instead; nil if none does
}

// delivers notes that messages are on their way through a node.
func (s *Session) delivers(from string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateClosed {
		s.delivered()
		s.delivery = &delivery{from: from, done: make(chan struct{})}
	}
}

// delivered notes that they have arrived, or never will; mu is held.
func (s *Session) delivered() {
	if s.delivery != nil {
		close(s.delivery.done)
		s.delivery = nil
	}
}

// awaitDelivery waits until what is on its way to the client has arrived. A node that
// brings the next request of the client has given it the answer before. It returns false
// if the client has sent one more GET meanwhile: only the last of them waits.
func (s *Session) awaitDelivery(from string, r *http.Request) bool {
	s.mu.Lock()
	d := s.delivery
	if d != nil && d.from == from {
		s.delivered()
		d = nil
	}
	if d == nil {
		s.mu.Unlock()
		return true
	}
	if d.waiting != nil {
		close(d.waiting)
	}
	instead := make(chan struct{})
	d.waiting = instead
	s.mu.Unlock()
	select {
	case <-d.done:
	case <-r.Context().Done():
	case <-instead:
		return false
	}
	return true
}

// Delivered says that a node has given the messages in the last answer of ServePoll that
// went through it to the client.
func (s *Server) Delivered(id, from string) {
	session := s.session(id)
	if session == nil {
		return
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	if session.delivery != nil && session.delivery.from == from {
		session.delivered()
	}
}

// Undelivered ends the sessions to which messages are on their way through a node, which
// is gone.
func (s *Server) Undelivered(from string) {
	for _, session := range s.snapshot() {
		session.undelivered(from)
	}
}

// Aborted ends a session if messages for it are on their way through a node, which has not
// found its client any more.
func (s *Server) Aborted(id, from string) {
	if session := s.session(id); session != nil {
		session.undelivered(from)
	}
}

func (s *Session) undelivered(from string) {
	s.mu.Lock()
	lost := s.delivery != nil && s.delivery.from == from
	s.mu.Unlock()
	if lost {
		s.finish(TransportError, errLost)
	}
}

// request is p as the session's transport takes it.
func (p *Poll) request(ctx context.Context) *http.Request {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}, Body: http.NoBody}
	if p.Encoding != "" {
		r.Header.Set("Accept-Encoding", p.Encoding)
	}
	if p.Post {
		r.Method = http.MethodPost
		r.ContentLength = -1 // unknown
		r.Body = io.NopCloser(p.Body)
		r.Header.Set("Content-Type", "text/plain")
		if p.Binary {
			r.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	return r.WithContext(ctx)
}

// A replyWriter keeps an answer for the node that the client is at.
type replyWriter struct {
	from     string // that node
	header   http.Header
	status   int
	body     bytes.Buffer
	messages bool // the answer has messages
}

// origin returns the node that a request came to, "" if it is this one.
func origin(w http.ResponseWriter) string {
	if routed, ok := w.(*replyWriter); ok {
		return routed.from
	}
	return ""
}

func (w *replyWriter) Header() http.Header { return w.header }

func (w *replyWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *replyWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// ReleasePoll answers the waiting GET of a session, if there is one, with a packet
// that says nothing, so that the client comes again.
func (s *Server) ReleasePoll(id string) {
	session := s.session(id)
	if session == nil {
		return
	}
	session.mu.Lock()
	defer session.mu.Unlock()
	if session.poll != nil {
		session.poll.answer(noopPayload(session.protocol))
		session.poll = nil
	}
}

// Lost ends a session, since something that was sent to its client, or by it, has been
// lost between nodes.
func (s *Server) Lost(id string) {
	if session := s.session(id); session != nil {
		session.finish(TransportError, errLost)
	}
}

// CloseSession is [Session.Close] for the session of that id, if there is one: the node that
// its connection comes through is about to stop.
func (s *Server) CloseSession(id string) {
	if session := s.session(id); session != nil {
		session.Close()
	}
}

var errLost = errors.New("engineio: a message between nodes was lost")

// CheckUpgrade says why a session can't be upgraded to a connection that another node
// has, or returns nil.
func (s *Server) CheckUpgrade(u *Upgrade) *ConnectionError {
	_, refusal := s.find(u.Session, u.Protocol, u.Transport, u.Transport == WebSocket)
	return refusal
}

// ServeUpgrade takes over conn, through which a connection at another node is reached,
// for the session to be upgraded to. It closes conn when it has no use for it any more.
func (s *Server) ServeUpgrade(u *Upgrade, conn net.Conn) {
	session, refusal := s.find(u.Session, u.Protocol, u.Transport, u.Transport == WebSocket)
	if refusal != nil || u.Deflate && s.deflate == nil {
		_ = conn.Close() // as engine.io does, without a word
		return
	}
	d := s.deflate
	if !u.Deflate {
		d = nil
	}
	c := session.beginProbe(conn, u.Base64, d)
	if c == nil {
		_ = conn.Close()
		return
	}
	c.frames.bare = u.Transport == WebTransport
	c.link.start()
}
