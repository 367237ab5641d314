package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
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
// [http.Handler] for the one path that clients are told, and safe for concurrent
// use. It does not look at the path itself, so that the options path and
// addTrailingSlash of engine.io are a matter of its mux: clients ask for
// "/engine.io/", and those with addTrailingSlash: false for "/engine.io". A
// [http.ServeMux] that is to serve both needs both patterns, since it would redirect
// from the second to the first, which WebSockets and POSTs don't survive.
type Server struct {
	// Set once.
	opts    Options
	handler Handler
	http    http.Handler // serve, and CORS around it
	started time.Time
	shards  []*shard
	deflate *deflater       // nil without Options.PerMessageDeflate
	gate    *gate           // nil without Options.Admission
	ctx     context.Context // ends with the goroutines
	stop    context.CancelFunc
	wg      sync.WaitGroup // of all goroutines but those of net/http

	loopsOnce sync.Once
	loops     []*loop // read from TCP connections; set by startLoops

	slow     slowCounters
	counters counters

	next atomic.Uint32 // counts sessions, to spread them over the shards

	// Guarded by mu.
	mu        sync.RWMutex
	sessions  map[string]*Session  // by id
	lingering map[*wsConn]struct{} // of sessions that have ended
	closing   bool                 // no new sessions
	dropping  bool                 // no new lingering connections
	ending    int                  // sessions whose receivers are being told
	stopped   bool                 // no new goroutines
	empty     chan struct{}        // closed when closing, and nothing is left
}

// NewServer returns a server whose sessions are handed to h. It panics if
// opts.Check returns an error. Call Shutdown or Close to end its goroutines.
func NewServer(h Handler, opts Options) *Server {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	opts = opts.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		opts:     opts,
		handler:  h,
		deflate:  newDeflater(opts.PerMessageDeflate),
		gate:     newGate(opts.Admission),
		started:  time.Now(),
		ctx:      ctx,
		stop:     stop,
		sessions: map[string]*Session{},
		empty:    make(chan struct{}),
	}
	s.http = http.HandlerFunc(s.serve)
	if opts.CORS != nil {
		s.http = opts.CORS.Handler(s.http)
	}
	for range runtime.GOMAXPROCS(0) {
		sh := newShard(s.clock)
		s.shards = append(s.shards, sh)
		s.wg.Go(func() { sh.run(ctx) })
	}
	return s
}

// Options returns the server's options, with their defaults filled in. What they
// point to must not be changed.
func (s *Server) Options() Options { return s.opts }

// clock returns the time since the server started.
func (s *Server) clock() time.Duration { return time.Since(s.started) }

// ServeHTTP serves a request of a client: a handshake, a poll, data, an upgrade.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	upgrade := isUpgrade(r)
	session, failure := s.verify(r, query, upgrade)
	switch {
	case failure != nil && s.routes(failure):
		s.forward(w, r, query, upgrade)
	case failure != nil:
		s.reject(w, r, failure)
	case session == nil && s.Closing():
		s.refuse(w)
	case session == nil:
		s.handshake(w, r, query, upgrade)
	case upgrade:
		s.probe(w, r, session)
	default:
		session.servePolling(w, r)
	}
}

// refuse answers a handshake that comes after Shutdown.
func (s *Server) refuse(w http.ResponseWriter) {
	s.counters.refuse(RefusedClosing)
	unavailable(w, "server is shutting down", time.Second)
}

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// verify checks a request in the order in which engine.io does, and returns its
// session, nil for a handshake.
func (s *Server) verify(r *http.Request, query url.Values, upgrade bool) (*Session, *ConnectionError) {
	transport := query.Get("transport")
	if transport == WebTransport || !slices.Contains(s.opts.Transports, transport) {
		return nil, errUnknownTransport.with("transport", transport)
	}
	if sid := query.Get("sid"); sid != "" {
		return s.find(sid, protocol(query), transport, upgrade)
	}
	if r.Method != http.MethodGet {
		return nil, errBadHandshakeMethod.with("method", r.Method)
	}
	if (transport == WebSocket) != upgrade {
		return nil, errBadRequest.with("name", "TRANSPORT_HANDSHAKE_ERROR")
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			return nil, errForbidden(err)
		}
	}
	if protocol(query) == 3 && s.opts.NoEIO3 {
		return nil, errUnsupportedProtocol.with("protocol", 3)
	}
	return nil, nil
}

// session returns the session with that id, or nil.
func (s *Server) session(id string) *Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sessions[id]
}

// find returns the session that a request over a transport is for.
func (s *Server) find(sid string, revision int, transport string, upgrade bool) (*Session, *ConnectionError) {
	session := s.session(sid)
	if session == nil {
		return nil, errUnknownSession.with("sid", sid)
	}
	switch previous := session.Transport(); {
	case upgrade != (transport == WebSocket), !upgrade && previous != Polling:
		return nil, errBadRequest.with("name", "TRANSPORT_MISMATCH", "transport", transport, "previousTransport", previous)
	case session.protocol != revision:
		return nil, errBadRequest.with("name", "PROTOCOL_MISMATCH", "protocol", revision, "previousProtocol", session.protocol)
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
	if !s.admitted(w, r) {
		return
	}
	session := s.newSession(r, query)
	if s.opts.Admit != nil {
		release, err := s.opts.Admit(r)
		if err != nil {
			s.reject(w, r, errForbidden(err))
			return
		}
		session.release = release
	}
	opened := false
	if upgrade {
		opened = s.openWebSocket(w, r, session)
	} else if opened = s.open(session, Polling); opened {
		if s.opts.Cookie != nil {
			http.SetCookie(w, s.opts.Cookie.of(session.id))
		}
		session.serveGet(w, r) // with what it has to say at once
	} else {
		s.refuse(w)
	}
	if !opened && session.release != nil {
		session.release()
	}
}

// openWebSocket opens a session that begins with WebSocket.
func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request, session *Session) (opened bool) {
	s.serveWebSocket(w, r, func(conn net.Conn, d *deflater) *wsConn {
		session.ws = newWSConn(session, conn, true, session.base64, d)
		if opened = s.open(session, WebSocket); !opened {
			session.ws.link.close()
			return nil
		}
		return session.ws
	})
	return opened
}

// probe serves a WebSocket that wants to take over from polling.
func (s *Server) probe(w http.ResponseWriter, r *http.Request, session *Session) {
	base64 := r.URL.Query().Get("b64") != "" // polling and WebSocket may differ
	s.serveWebSocket(w, r, func(conn net.Conn, d *deflater) *wsConn {
		return session.beginProbe(conn, base64, d)
	})
}

// serveWebSocket completes a handshake and reads from the connection, if attach
// returns one that has a use for it.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, attach func(net.Conn, *deflater) *wsConn) {
	s.opts.headers(w.Header(), r)
	conn, rest, deflate, err := s.accept(w, r)
	if err != nil {
		s.opts.Logger.Debug("websocket handshake failed", "address", r.RemoteAddr, "error", err)
		return
	}
	c := attach(conn, deflate)
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
	if tcp, ok := conn.(*net.TCPConn); ok {
		s.loopsOnce.Do(s.startLoops)
		if len(s.loops) > 0 {
			if l := newLoopLink(s.loops[c.session.shardIndex], c, tcp); l != nil {
				return l
			}
		}
	}
	return &connLink{ws: c, conn: conn}
}

// startLoops starts a loop for each shard, if the system has any to give.
func (s *Server) startLoops() {
	var loops []*loop
	for range s.shards {
		l := newLoop(s.opts.Logger)
		if l == nil || !s.start(func() { l.run(s.ctx) }) {
			return
		}
		loops = append(loops, l)
	}
	s.loops = loops
}

func (s *Server) newSession(r *http.Request, query url.Values) *Session {
	index := int(s.next.Add(1)) % len(s.shards)
	jsonp := jsonpHead(query)
	return &Session{
		srv:        s,
		shard:      s.shards[index],
		shardIndex: index,
		id:         s.newID(),
		protocol:   protocol(query),
		base64:     query.Get("b64") != "" || jsonp != "",
		jsonp:      jsonp,
		request:    newRequest(r),
	}
}

// open makes session known, greets the client and tells the handler. What the
// handler sends goes out together with the greeting. It returns false if the server
// takes no more sessions.
func (s *Server) open(session *Session, transport string) bool {
	session.mu.Lock()
	session.push(textPacket(enginewire.Open, s.openData(session.id, transport)))
	session.queued = true
	session.beat.start(s.clock(), &s.opts, session.protocol)
	due := session.beat.due
	session.mu.Unlock()
	if !s.add(session) {
		return false
	}
	session.shard.schedule(session, due)
	session.begin(s.handler.Open(session))
	session.shard.write(session)
	return true
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

// idLength is how many characters the id of a session has.
const idLength = 20

// newID returns 20 URL-safe characters that nobody can guess: of those that follow the
// router's prefix, if there is one, at least 12 are random.
func (s *Server) newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	random := base64.RawURLEncoding.EncodeToString(b[:])
	if s.opts.Router == nil {
		return random
	}
	return (s.opts.Router.Prefix() + random)[:idLength]
}
