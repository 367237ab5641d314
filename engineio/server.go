package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// A Handler is told of new sessions.
type Handler interface {
	// Open is called with a session that was just opened, before anything is
	// received from it, and returns who is to receive it.
	Open(s *Session) Receiver
}

// A Server serves Engine.IO sessions of protocols 3 and 4. It is an
// [http.Handler] for the one path that clients are told, such as
// "/engine.io/", and safe for concurrent use.
type Server struct {
	// Set once.
	opts    Options
	handler Handler
	http    http.Handler // serve, and CORS around it
	started time.Time
	shards  []*shard
	loops   []*loop // read from the connections; none where the system has no epoll
	stop    context.CancelFunc
	wg      sync.WaitGroup // of all goroutines but those of net/http

	next atomic.Uint32 // counts sessions, to spread them over the shards

	// Guarded by mu.
	mu       sync.RWMutex
	sessions map[string]*Session // by id
	closing  bool                // no new sessions
	stopped  bool                // no new goroutines
	empty    chan struct{}       // closed when closing, and sessions is empty
}

// NewServer returns a server whose sessions are handed to h. It panics if
// opts.Check returns an error. Call Shutdown or Close to end its goroutines.
func NewServer(h Handler, opts Options) *Server {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	opts = opts.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{opts: opts, handler: h, started: time.Now(), stop: stop, sessions: map[string]*Session{}, empty: make(chan struct{})}
	s.http = http.HandlerFunc(s.serve)
	if opts.CORS != nil {
		s.http = opts.CORS.wrap(s.http)
	}
	for range runtime.GOMAXPROCS(0) {
		sh := newShard(s.clock)
		s.shards = append(s.shards, sh)
		s.wg.Go(func() { sh.run(ctx) })
		if l := newLoop(opts.Logger); l != nil {
			s.loops = append(s.loops, l)
			s.wg.Go(func() { l.run(ctx) })
		}
	}
	return s
}

// clock returns the time since the server started.
func (s *Server) clock() time.Duration { return time.Since(s.started) }

// Sessions returns the number of open sessions.
func (s *Server) Sessions() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sessions)
}

// Shutdown refuses new sessions with status 503, closes those there are once
// what waits for them is written, and returns when all are gone. If ctx ends
// before that, it drops the rest and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing && len(s.sessions) == 0 {
		close(s.empty)
	}
	s.closing = true
	s.mu.Unlock()
	for _, session := range s.snapshot() {
		session.Close()
	}
	var err error
	select {
	case <-s.empty:
	case <-ctx.Done():
		err = ctx.Err()
		for _, session := range s.snapshot() {
			session.finish(ForcedClose, errServerShutdown)
		}
	}
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	return err
}

// start runs f on a goroutine that Shutdown waits for, unless that is over.
func (s *Server) start(f func()) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.stopped {
		s.wg.Go(f)
	}
	return !s.stopped
}

// Close drops all sessions at once.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (s *Server) snapshot() []*Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}

// ServeHTTP serves a request of a client: a handshake, a poll, data, an upgrade.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	upgrade := isUpgrade(r)
	session, failure := s.verify(r, query, upgrade)
	switch {
	case failure != nil:
		failure.write(w)
	case session == nil && s.Closing():
		w.Header().Set("Retry-After", "1")
		http.Error(w, "server is shutting down", http.StatusServiceUnavailable)
	case session == nil:
		s.handshake(w, r, query, upgrade)
	case upgrade:
		s.probe(w, r, session)
	default:
		session.servePolling(w, r)
	}
}

// Closing says whether Shutdown or Close was called.
func (s *Server) Closing() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closing
}

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// verify checks a request in the order in which engine.io does, and returns its
// session, nil for a handshake.
func (s *Server) verify(r *http.Request, query url.Values, upgrade bool) (*Session, *requestError) {
	transport := query.Get("transport")
	if !slices.Contains(s.opts.Transports, transport) {
		return nil, errUnknownTransport
	}
	if sid := query.Get("sid"); sid != "" {
		return s.verifySession(sid, transport, query, upgrade)
	}
	if r.Method != http.MethodGet {
		return nil, errBadHandshakeMethod
	}
	if (transport == WebSocket) != upgrade {
		return nil, errBadRequest
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			return nil, errForbidden(err.Error())
		}
	}
	if protocol(query) == 3 && s.opts.NoEIO3 {
		return nil, errUnsupportedProtocol
	}
	return nil, nil
}

func (s *Server) verifySession(sid, transport string, query url.Values, upgrade bool) (*Session, *requestError) {
	s.mu.RLock()
	session := s.sessions[sid]
	s.mu.RUnlock()
	switch {
	case session == nil:
		return nil, errUnknownSession
	case !upgrade && session.Transport() != transport, upgrade && transport != WebSocket:
		return nil, errBadRequest
	case session.protocol != protocol(query):
		return nil, errBadRequest
	}
	return session, nil
}

// protocol is "3rd revision by default".
func protocol(query url.Values) int {
	if query.Get("EIO") == "4" {
		return 4
	}
	return 3
}

// handshake opens a session, if there is room for it.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, query url.Values, upgrade bool) {
	session := s.newSession(r, query)
	if s.opts.Admit != nil {
		release, err := s.opts.Admit(r)
		if err != nil {
			errForbidden(err.Error()).write(w)
			return
		}
		session.release = release
	}
	if upgrade {
		s.openWebSocket(w, r, session)
		return
	}
	s.open(session, Polling)
	session.serveGet(w, r) // with what it has to say at once
}

// openWebSocket opens a session that begins with WebSocket.
func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request, session *Session) {
	opened := false
	s.serveWebSocket(w, r, func(conn net.Conn) *wsConn {
		opened = true
		session.ws = newWSConn(session, conn, true)
		s.open(session, WebSocket)
		return session.ws
	})
	if !opened && session.release != nil {
		session.release()
	}
}

// probe serves a WebSocket that wants to take over from polling.
func (s *Server) probe(w http.ResponseWriter, r *http.Request, session *Session) {
	s.serveWebSocket(w, r, session.beginProbe)
}

// serveWebSocket completes a handshake and reads from the connection, if attach
// returns one that has a use for it.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, attach func(net.Conn) *wsConn) {
	conn, rest, err := accept(w, r)
	if err != nil {
		s.opts.Logger.Debug("websocket handshake failed", "address", r.RemoteAddr, "error", err)
		return
	}
	c := attach(conn)
	if c == nil {
		_ = conn.Close() // as engine.io does, without a word
		return
	}
	if err := c.receive(rest); err != nil {
		c.lost(err)
		c.link.close()
		return
	}
	c.link.start()
}

// newLink makes a link of conn: one that a loop reads, if that can be had, and
// else one with a goroutine.
func (s *Server) newLink(c *wsConn, conn net.Conn) link {
	if len(s.loops) > 0 {
		if l := newLoopLink(s.loops[c.session.shardIndex], c, conn); l != nil {
			return l
		}
	}
	return &connLink{ws: c, conn: conn}
}

func (s *Server) newSession(r *http.Request, query url.Values) *Session {
	index := int(s.next.Add(1)) % len(s.shards)
	return &Session{
		srv:        s,
		shard:      s.shards[index],
		shardIndex: index,
		id:         newID(),
		protocol:   protocol(query),
		base64:     query.Get("b64") == "1",
		request:    newRequest(r),
	}
}

// open greets the client, tells the handler and makes session known. What the
// handler sends goes out together with the greeting.
func (s *Server) open(session *Session, transport string) {
	session.mu.Lock()
	session.push(textPacket(enginewire.Open, s.openData(session.id, transport)))
	session.queued = true
	session.beat.start(s.clock(), &s.opts, session.protocol)
	due := session.beat.due
	session.mu.Unlock()
	session.receiver = s.handler.Open(session)

	s.mu.Lock()
	s.sessions[session.id] = session
	closing := s.closing
	s.mu.Unlock()
	session.shard.schedule(session, due)
	session.shard.write(session)
	if closing { // Shutdown did not see it
		session.Close()
	}
}

func (s *Server) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
	if s.closing && len(s.sessions) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}

// openData is the data of the packet that opens a session.
func (s *Server) openData(id, transport string) string {
	data, _ := json.Marshal(struct { // plain fields
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}{id, s.opts.upgrades(transport), s.opts.PingInterval.Milliseconds(), s.opts.PingTimeout.Milliseconds(), s.opts.MaxPayload})
	return string(data)
}

// newID returns 20 URL-safe characters that nobody can guess.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
