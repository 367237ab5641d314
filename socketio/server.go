// Package socketio is a Socket.IO server: namespaces, sockets, rooms, events and
// acknowledgements for clients of every generation, on one node or, with an
// adapter, on many.
//
// Handlers belong to a namespace and are registered once, before clients come:
//
//	srv := socketio.NewServer(socketio.Options{})
//	chat := srv.Of("/chat")
//	socketio.On(chat, "msgToServer", func(ctx context.Context, s *socketio.Socket, m Message) error {
//		return chat.Emit("msgToClient", m)
//	})
//	http.Handle("/socket.io/", srv)
package socketio

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
)

// Options configures a [Server]. The zero value is a server of one node with the
// defaults of socket.io 4.8.
type Options struct {
	// Engine configures the Engine.IO server beneath.
	Engine engineio.Options

	// Adapter connects the server to the other nodes of its cluster. If nil, there
	// are none. If it is an [adapter.Mesh] too, any node serves any client: see package
	// cluster. Clients that come before it is ready for the first time wait for it, until the
	// server has been there for five seconds.
	Adapter adapter.Adapter

	// StickySessions says that the load balancer sends all requests of a client to
	// the same node, as Socket.IO otherwise wants it, so that this server need not serve
	// clients of other nodes.
	StickySessions bool

	// Parser is how packets are put on the wire. The zero value is that of Socket.IO;
	// with another one, clients need that too.
	Parser Parser

	// ConnectTimeout is how long a client may take to join its first namespace. If
	// zero, it is 45 seconds.
	ConnectTimeout time.Duration

	// MaxAttachments is how many binary parts one packet may have. If zero, it is
	// 10.
	MaxAttachments int

	// Client has the JavaScript client library, which is served beneath the server's
	// path then: "/socket.io/socket.io.js", "socket.io.min.js", "socket.io.esm.min.js",
	// "socket.io.msgpack.min.js", and a source map for each. Those that are missing are
	// not found. It is what npm's package socket.io has in client-dist, or
	// socket.io-client in dist: an [os.DirFS] of that, or an [embed.FS] of a copy. If
	// nil, nothing is served (serveClient: false).
	Client fs.FS

	// Recovery lets clients that lose their connection come back as the same sockets.
	// If nil, each connection is a new one.
	Recovery *Recovery

	// MaxDynamicNamespaces is how many namespaces that clients asked for there may be
	// at a time, see [Server.OfPattern]. A client that wants one more is refused. If
	// zero, it is 10,000.
	MaxDynamicNamespaces int

	// CleanupEmptyChildNamespaces forgets a namespace that a client asked for when the
	// last client has left it. With Recovery, nobody can come back to it then.
	CleanupEmptyChildNamespaces bool

	// Observe is called with each new connection. What it returns is told what happens
	// on it, if it is an [engineio.UpgradeObserver], an [engineio.DrainObserver] or an
	// [engineio.PacketObserver] (the events "upgrade", "drain" and "packet" of
	// socket.conn). [Socket.Conn] is the connection of a socket. If nil, nobody
	// watches.
	Observe func(conn *engineio.Session) any

	// Logger gets what concerns the server at levels info to error, and what
	// concerns single clients at debug. It never gets contents of messages. If nil,
	// it is [slog.Default].
	Logger *slog.Logger
}

// Check says what in the options can't be meant, or returns nil.
func (o Options) Check() error {
	if o.ConnectTimeout < 0 || o.MaxAttachments < 0 || o.MaxDynamicNamespaces < 0 || o.Parser > MessagePack {
		return errors.New("socketio: times and numbers in Options must not be negative, and Parser must be a known one")
	}
	if err := errors.Join(o.Recovery.check(), checkClient(o.Client)); err != nil {
		return err
	}
	return o.Engine.Check()
}

// A Server is a Socket.IO server. It is an [http.Handler] for the path that
// clients use, "/socket.io/" by default, and safe for concurrent use.
type Server struct {
	// Set once.
	opts    Options
	log     *slog.Logger
	engine  *engineio.Server
	client  client
	run     context.Context // ends when the adapter must
	stop    context.CancelFunc
	adapter sync.WaitGroup // its Run, and handlers of what comes from it
	cluster *cluster.Node  // nil if there are no other nodes whose clients come here
	workers *workers       // run the handlers
	settled chan struct{}  // closed when clients may join, see settle

	mu         sync.RWMutex
	namespaces map[string]*Namespace // by name; guarded by mu
	parents    []*Namespace          // of dynamic namespaces; guarded by mu
	dynamic    int                   // number of children; guarded by mu
}

// NewServer returns a server and starts its adapter. It panics if opts.Check
// returns an error. Call Shutdown or Close to end what it has started.
func NewServer(opts Options) *Server {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	if opts.ConnectTimeout == 0 {
		opts.ConnectTimeout = 45 * time.Second
	}
	if opts.MaxAttachments == 0 {
		opts.MaxAttachments = 10
	}
	if opts.MaxDynamicNamespaces == 0 {
		opts.MaxDynamicNamespaces = 10_000
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{opts: opts, log: opts.Logger, run: ctx, stop: stop, workers: newWorkers(), settled: make(chan struct{}), namespaces: map[string]*Namespace{}}
	s.startEngine()
	s.client = newClient(opts.Client, opts.Engine.CORS)
	s.startAdapter()
	s.Of("/")
	return s
}

// startAdapter lets the adapter run, if there is one.
func (s *Server) startAdapter() {
	if s.opts.Adapter == nil {
		close(s.settled)
		return
	}
	running, stopped := context.WithCancel(s.run)
	s.adapter.Go(func() {
		defer stopped()
		if err := s.opts.Adapter.Run(s.run); err != nil && s.run.Err() == nil {
			s.log.Error("adapter stopped: this node is alone now", "error", err)
		}
	})
	s.adapter.Go(func() { s.settle(running) })
}

// Of returns the namespace of that name, and makes it if there is none yet. The
// slash at the beginning may be left out; "" and "/" are the main namespace. What
// matches a pattern ([Server.OfPattern]) is made a child of that.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ns := s.namespaces[name]; ns != nil {
		return ns
	}
	if ns := s.ofParent(name); ns != nil {
		return ns
	}
	ns := newNamespace(s, name)
	s.namespaces[name] = ns
	return ns
}

// namespace returns an existing namespace, or nil.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// Emit sends an event to all clients of the main namespace.
func (s *Server) Emit(event string, args ...any) error { return s.Of("/").Emit(event, args...) }

// ServeHTTP serves the clients, and Options.Client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := s.client.file(r.URL.Path); f != nil {
		f.ServeHTTP(w, r)
		return
	}
	s.engine.ServeHTTP(w, r)
}

// Ready returns nil while the server takes clients and reaches the other nodes, and
// otherwise what is missing.
func (s *Server) Ready() error {
	switch {
	case s.engine.Closing():
		return errClosing
	case s.opts.Adapter == nil:
		return nil
	default:
		if err := s.opts.Adapter.Ready(); !errors.Is(err, adapter.ErrOpening) {
			return err
		}
		return nil // a node that opens namespaces as clients want them is ready all the time
	}
}

var errClosing = errors.New("socketio: server is shutting down")

// Connections returns the number of connected clients of this node.
func (s *Server) Connections() int { return s.engine.Sessions() }

// Shutdown refuses new clients, closes the connections of those there are, lets
// their handlers finish, which still reach the other nodes, and returns when all is
// over. If ctx ends before that, it drops the clients and returns ctx's error,
// without waiting for handlers. It must not be called in a handler.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.cluster != nil {
		s.cluster.Drain()
	}
	err := s.engine.Shutdown(ctx)
	done := make(chan struct{})
	go func() { // ends when the last handler does
		s.finish()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		s.stop()
		return ctx.Err()
	}
}

// Close drops all clients at once and waits for their handlers. It must not be
// called in a handler.
func (s *Server) Close() error {
	err := s.engine.Close()
	s.finish()
	return err
}

// finish waits for the handlers, and stops the adapter after them.
func (s *Server) finish() {
	s.forget()
	s.workers.wait()
	if s.cluster != nil {
		s.cluster.Close()
	}
	s.stop()
	s.adapter.Wait()
}

// forget gives up the clients that are away.
func (s *Server) forget() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, ns := range s.namespaces {
		if ns.history != nil {
			ns.history.close()
		}
		if ns.stream != nil {
			ns.stream.close()
		}
	}
}
