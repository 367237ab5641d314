package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/chat"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/lastcall"
	"github.com/damso/damso/internal/page"
	"github.com/damso/damso/internal/settings"
	"github.com/damso/damso/socketio"
)

// stopTimeout is how long the clients of a node that ends may take to fetch what
// they still get, and requestTimeout then how long other requests may take, and as long the
// last handlers. What is open after that is dropped; browsers open connections that they never use.
const (
	stopTimeout    = 7 * time.Second
	requestTimeout = time.Second
	bodyTimeout    = 10 * time.Second // see withoutBody
)

// A node is one server of the chat, with all it takes.
type node struct {
	id       string
	listener *lastcall.Listener
	io       *socketio.Server
	server   *lastcall.Server
	admin    *http.Server // nil without ADMIN_PORT
}

// newNode listens on the port and wires a node together. a may be nil.
func newNode(s settings.Settings, port uint16, a adapter.Adapter, log *slog.Logger) (*node, error) {
	listener, err := listen(port)
	if err != nil {
		return nil, err
	}
	port = uint16(listener.Addr().(*net.TCPAddr).Port)
	pages, err := page.Handler(page.Options{Dir: staticDir(s.StaticDir, port)})
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	n := &node{id: s.NodeID, listener: listener}
	if n.id == "" {
		n.id = "damso-" + strconv.Itoa(int(port))
	}
	log = log.With("node", n.id)
	engine := engineio.Options{Logger: log}
	if len(s.CORSOrigins) > 0 {
		engine.CORS = &engineio.CORS{Origins: s.CORSOrigins, Credentials: s.CORSCredentials()}
	}
	// Clients that lose their connection, or their node, get what they have missed.
	n.io = socketio.NewServer(socketio.Options{
		Adapter: a, Client: page.Client(), Engine: engine, Logger: log, Recovery: &socketio.Recovery{},
	})
	chat.Register(n.io, chat.Options{Node: n.id, Logger: log})
	n.server = lastcall.NewServer(n.io, &http.Server{
		Handler:           n.routes(pages),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}, listener)
	return n, nil
}

// staticDir is the folder to serve on a port: one of that name in dir, as the two
// pages of the article are, or dir itself.
func staticDir(dir string, port uint16) string {
	if dir == "" {
		return ""
	}
	own := filepath.Join(dir, strconv.Itoa(int(port)))
	if info, err := os.Stat(own); err == nil && info.IsDir() {
		return own
	}
	return dir
}

func listen(port uint16) (*lastcall.Listener, error) {
	l, err := lastcall.Listen(net.JoinHostPort("", strconv.Itoa(int(port))))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken: stop what listens there, or choose another with NODE_PORT=%d", port, another(port))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d is not allowed for this user: choose one above 1023 with NODE_PORT=3000", port)
	case err != nil:
		return nil, fmt.Errorf("listen on port %d: %w", port, err)
	}
	return l, nil
}

// another is a port to try instead of one that is taken.
func another(port uint16) uint16 {
	if port > 65_000 {
		return 3000
	}
	return port + 10
}

func (n *node) routes(pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", n.ready)
	all := http.NewServeMux()
	all.Handle("/", withoutBody(mux))
	all.Handle("/socket.io/", n.io)
	return all
}

// withoutBody serves requests that need none. net/http waits for one that was announced
// before it sends the answer: here not for ever, as a polling client may.
func withoutBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // nothing can be done about an error
		h.ServeHTTP(w, r)
	})
}

// ready tells a load balancer whether this node takes part in the conversation.
func (n *node) ready(w http.ResponseWriter, _ *http.Request) {
	if err := n.io.Ready(); err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

func (n *node) url() string {
	return "http://localhost:" + strconv.Itoa(n.listener.Addr().(*net.TCPAddr).Port)
}

// serve serves until ctx ends; then it refuses new clients, tells those there are,
// and returns within drainTimeout, stopTimeout and twice requestTimeout.
func (n *node) serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- n.server.Serve() }()
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve %s: %w", n.id, err)
	case <-ctx.Done():
	}
	return errors.Join(err, n.stop())
}

func (n *node) stop() error {
	err := n.server.Stop(lastcall.Patience{
		PerSecond: pace(n.io.Connections()), Drain: drainTimeout, Clients: stopTimeout, Requests: requestTimeout,
	})
	if n.admin != nil {
		_ = n.admin.Close()
	}
	return err
}
