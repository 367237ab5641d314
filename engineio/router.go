package engineio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Router knows sessions of other nodes, so that requests for them may come to this
// one. The other node serves them by [Server.ServePoll], [Server.CheckUpgrade] and
// [Server.ServeUpgrade]. A Router is safe for concurrent use.
type Router interface {
	// Prefix returns what the ids of this node's sessions begin with: at most 8
	// characters of A-Z, a-z, 0-9, "-" and "_". It is always the same.
	Prefix() string

	// Poll passes a request to the node that has its session, and returns the answer.
	// It gives up when ctx ends. It reads p.Body when it knows where to send it, and
	// wraps an error of that. Any other error means that there is no such session, or none
	// any more as far as the client is concerned; with [ErrBusy] there may be one.
	Poll(ctx context.Context, p *Poll) (*PollReply, error)

	// Upgrade asks the node that has the session of u whether that may be upgraded. A
	// [*ConnectionError] is its refusal. Any other error is as with Poll.
	Upgrade(ctx context.Context, u *Upgrade) error

	// Relay takes over conn, which has become the connection that Upgrade has asked
	// for, and joins it to the session. rest is what was read from it already.
	Relay(u *Upgrade, conn net.Conn, rest []byte)
}

// ErrBusy is returned by a [Router] that has too much to do, or can't reach the other
// nodes now. The client is answered with status 503.
var ErrBusy = errors.New("engineio: the session's node can't be asked now")

// A Poll is a request of a client that polls, for a session of another node: what of
// it matters there.
type Poll struct {
	From     string // the node that the client is at; set there where the session is
	Session  string // its id, as the client sent it
	Protocol int    // 3 or 4
	Post     bool   // it brings data; else it asks for some
	Binary   bool   // the data is application/octet-stream
	Encoding string // what the answer may be compressed with; "" is nothing

	// Body is the data that it brings, else nil. Where the client is, reading it may take
	// as long as a heartbeat, and fails when it is more than Options.MaxPayload.
	Body io.Reader
}

// A PollReply is the answer to a [Poll].
type PollReply struct {
	Refusal  *ConnectionError // the session does not take the request; else nil
	Status   int              // of HTTP; 0 if there is a refusal
	Type     string           // Content-Type
	Encoding string           // Content-Encoding
	Body     []byte

	// Messages says that the session's node must know, by [Server.Delivered], that the
	// client was given the answer.
	Messages bool
	// Delivered is called by the client's node when it was, or when it could not be.
	Delivered func(ok bool)
}

// An Upgrade says what a session of another node is to be upgraded to.
type Upgrade struct {
	Session   string // its id, as the client sent it
	Protocol  int    // 3 or 4
	Transport string // WebSocket or WebTransport
	Base64    bool   // the client takes no binary frames
	Deflate   bool   // messages may be compressed; set when that is agreed
}

// routes says whether a request that was refused may be for another node.
func (s *Server) routes(failure *ConnectionError) bool {
	return failure.Code == errUnknownSession.Code && s.opts.Router != nil
}

// forward serves a request for a session that is not here.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, query url.Values, upgrade bool) {
	sid := query.Get("sid")
	switch {
	case upgrade != (query.Get("transport") == WebSocket):
		s.reject(w, r, errBadRequest.with("name", "TRANSPORT_MISMATCH"))
	case upgrade:
		s.forwardUpgrade(w, r, &Upgrade{Session: sid, Protocol: protocol(query), Transport: WebSocket, Base64: query.Get("b64") != ""})
	case r.Method == http.MethodGet:
		s.forwardPoll(w, r, &Poll{Session: sid, Protocol: protocol(query)})
	case r.Method == http.MethodPost:
		s.forwardPost(w, r, &Poll{Session: sid, Protocol: protocol(query), Post: true})
	default:
		s.reject(w, r, errBadRequest.with("name", "METHOD"))
	}
}

// forwardPost is forwardPoll for data.
func (s *Server) forwardPost(w http.ResponseWriter, r *http.Request, p *Poll) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	p.Binary = mediaType == "application/octet-stream"
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(s.opts.PingInterval + s.opts.PingTimeout)) // no heartbeat ends it here
	p.Body = &postedBody{limitBody(w, r, s.opts.MaxPayload), c}
	s.forwardPoll(w, r, p)
}

// A postedBody is what a client posts.
type postedBody struct {
	body io.Reader
	conn *http.ResponseController
}

var errPosted = errors.New("engineio: read POST")

func (b *postedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	switch {
	case err == io.EOF:
		_ = b.conn.SetReadDeadline(time.Time{}) // else it holds for what net/http still reads
	case err != nil:
		err = fmt.Errorf("%w: %w", errPosted, err)
	}
	return n, err
}

func (s *Server) forwardPoll(w http.ResponseWriter, r *http.Request, p *Poll) {
	p.Encoding = contentCoding(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	reply, err := s.opts.Router.Poll(r.Context(), p)
	tooLarge := new(http.MaxBytesError)
	switch {
	case errors.As(err, &tooLarge):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	case errors.Is(err, errPosted):
		errBadRequest.write(w)
		return
	case err != nil:
		s.notRouted(w, r, p.Session, err)
		return
	case reply.Refusal != nil:
		s.reject(w, r, reply.Refusal)
		return
	}
	h := w.Header()
	for name, value := range map[string]string{"Content-Type": reply.Type, "Content-Encoding": reply.Encoding} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if reply.Status == http.StatusOK {
		s.pollHeaders(h, r)
	}
	h.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(s.opts.PingInterval + s.opts.PingTimeout))
	w.WriteHeader(reply.Status)
	_, err = w.Write(reply.Body)
	err = cmp.Or(err, c.Flush())
	_ = c.SetWriteDeadline(time.Time{})
	if reply.Delivered != nil {
		reply.Delivered(err == nil)
	}
}

// notRouted answers a request that no other node serves.
func (s *Server) notRouted(w http.ResponseWriter, r *http.Request, sid string, err error) {
	if errors.Is(err, ErrBusy) {
		s.counters.refuse(RefusedBusy)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTimeout)) // as in reject
		unavailable(w, ErrBusy.Error(), time.Second)
		return
	}
	s.reject(w, r, errUnknownSession.with("sid", sid))
}

// forwardUpgrade completes a WebSocket handshake once the session's node agrees to it.
func (s *Server) forwardUpgrade(w http.ResponseWriter, r *http.Request, u *Upgrade) {
	if err := s.opts.Router.Upgrade(r.Context(), u); err != nil {
		if refusal, ok := errors.AsType[*ConnectionError](err); ok {
			s.reject(w, r, refusal)
			return
		}
		s.notRouted(w, r, u.Session, err)
		return
	}
	s.opts.headers(w.Header(), r)
	conn, rest, deflate, err := s.accept(w, r)
	if err != nil {
		s.opts.Logger.Debug("websocket handshake failed", "address", r.RemoteAddr, "error", err)
		return
	}
	u.Deflate = deflate != nil
	s.opts.Router.Relay(u, conn, rest)
}

// forwardStream relays a stream for a session that is not here, once the session's node
// agrees to it.
func (s *Server) forwardStream(ctx context.Context, unknown *ConnectionError, conn net.Conn, rest []byte) error {
	sid, _ := unknown.Context["sid"].(string)
	u := &Upgrade{Session: sid, Protocol: 4, Transport: WebTransport}
	err := s.opts.Router.Upgrade(ctx, u)
	switch refusal, ok := errors.AsType[*ConnectionError](err); {
	case ok:
		return refusal
	case err != nil:
		return unknown
	}
	s.opts.Router.Relay(u, conn, rest)
	return nil
}

// checkPrefix says what is wrong with the prefix of a router.
func checkPrefix(prefix string) error {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(prefix) > 8 || strings.Trim(prefix, digits) != "" {
		return fmt.Errorf("engineio: Options.Router: prefix %q: it may have 8 characters that are safe in URLs", prefix)
	}
	return nil
}
