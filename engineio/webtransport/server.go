// Package webtransport serves the sessions of an engineio.Server over WebTransport,
// for clients of Socket.IO 4.7 and later in browsers. It listens on a UDP port of its
// own, beside the HTTP server that has the other transports:
//
//	engine := engineio.NewServer(handler, engineio.Options{
//		Transports: []string{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
//	})
//	wt := webtransport.Server{Engine: engine, Addr: ":443", TLS: config}
//	go wt.ListenAndServe(ctx)
//
// Browsers look for it at the address of the page's other requests: the same name, and
// for UDP the same port. For a socketio.Server, Engine is what its Engine method
// returns.
//
// Nothing else links QUIC: who does not import this package does without.
package webtransport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/damso/damso/engineio"
)

// A Server accepts WebTransport sessions and hands their streams to an
// engineio.Server. What is true of a WebSocket is true of them as well: limits,
// heartbeat, upgrade, shutdown, [engineio.Options.AllowRequest] and
// [engineio.Options.Admit]. As with WebSocket, origins are left to AllowRequest. The
// path is not looked at.
type Server struct {
	// Engine gets the streams. It must have [engineio.WebTransport] among its
	// Options.Transports.
	Engine *engineio.Server

	// Addr is the UDP address for ListenAndServe. If empty, it is ":443".
	Addr string

	// TLS has the certificate. Browsers want one that they trust, or an ECDSA
	// one of at most 14 days whose hash the page has (serverCertificateHashes). It
	// must not be nil.
	TLS *tls.Config
}

// ListenAndServe is Serve on Addr.
func (s *Server) ListenAndServe(ctx context.Context) error {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", cmp.Or(s.Addr, ":443"))
	if err != nil {
		return fmt.Errorf("webtransport: %w", err)
	}
	defer func() { _ = conn.Close() }() // everything was said on it
	return s.Serve(ctx, conn)
}

// Serve accepts sessions on conn until ctx ends, and then returns nil. Connections
// that are there are dropped at that moment: call Engine.Shutdown before for an end in
// good order. conn is not closed. An error means that the server could not start or
// that conn has failed.
func (s *Server) Serve(ctx context.Context, conn net.PacketConn) error {
	if s.Engine == nil || s.TLS == nil {
		return errors.New("webtransport: Server needs Engine and TLS")
	}
	opts := s.Engine.Options()
	if !slices.Contains(opts.Transports, engineio.WebTransport) {
		return fmt.Errorf("webtransport: Options.Transports of the engine must have %q", engineio.WebTransport)
	}
	transport := &quic.Transport{Conn: conn}
	defer func() { _ = transport.Close() }() // its connections are closed by then
	quicListener, err := transport.ListenEarly(http3.ConfigureTLSConfig(s.TLS), quicConfig(&opts))
	if err != nil {
		return fmt.Errorf("webtransport: listen: %w", err)
	}
	err = newListener(s.Engine, &opts).serve(ctx, quicListener)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("webtransport: accept: %w", err)
}

// quicConfig has limits for connections that carry one stream.
func quicConfig(opts *engineio.Options) *quic.Config {
	c := &quic.Config{
		EnableDatagrams:                  true, // which WebTransport has to have
		EnableStreamResetPartialDelivery: true, // the same
		MaxIncomingStreams:               8,    // the session, its stream, and some to spare
		MaxIncomingUniStreams:            8,    // those of HTTP/3
		InitialStreamReceiveWindow:       64 << 10,
		MaxStreamReceiveWindow:           512 << 10,
		InitialConnectionReceiveWindow:   96 << 10,
		MaxConnectionReceiveWindow:       768 << 10,
		MaxIdleTimeout:                   quicIdle,
	}
	if opts.PingInterval > quicIdle-5*time.Second {
		c.KeepAlivePeriod = quicIdle / 2 // else the heartbeat keeps the connection
	}
	return c
}

// quicIdle is how long a connection may be silent. Browsers have the same limit.
const quicIdle = 30 * time.Second

// idleGrace is how long a connection may stay after its session.
const idleGrace = 5 * time.Second

// A listener is a Server at work.
type listener struct {
	engine  *engineio.Server
	opts    *engineio.Options
	wt      webtransport.Server
	serving sync.WaitGroup
}

func newListener(engine *engineio.Server, opts *engineio.Options) *listener {
	l := &listener{engine: engine, opts: opts}
	l.wt.H3 = &http3.Server{Handler: l, ConnContext: l.watch, MaxHeaderBytes: 16 << 10}
	l.wt.CheckOrigin = func(*http.Request) bool { return true } // AllowRequest may
	return l
}

// serve accepts connections until ctx ends or accepting fails.
func (l *listener) serve(ctx context.Context, ln *quic.EarlyListener) error {
	for {
		conn, err := ln.Accept(ctx)
		if err != nil {
			_ = l.wt.Close() // drops the connections
			_ = ln.Close()
			l.serving.Wait()
			return err
		}
		l.serving.Go(func() {
			if err := l.wt.ServeQUICConn(conn); err != nil {
				l.opts.Logger.Debug("webtransport connection failed", "address", conn.RemoteAddr(), "error", err)
			}
		})
	}
}

// idleKey is the key of a connection's timer in the context of its requests.
type idleKey struct{}

// watch closes a connection on which no session is opened.
func (l *listener) watch(ctx context.Context, conn *quic.Conn) context.Context {
	return context.WithValue(ctx, idleKey{}, time.AfterFunc(l.opts.UpgradeTimeout, func() {
		_ = conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	}))
}

// ServeHTTP serves a request to open a session.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session, err := l.wt.Upgrade(w, r)
	if err != nil {
		l.opts.Logger.Debug("webtransport handshake failed", "address", r.RemoteAddr, "error", err)
		http.Error(w, "this is for WebTransport", http.StatusBadRequest)
		return
	}
	idle := r.Context().Value(idleKey{}).(*time.Timer)
	idle.Stop()
	context.AfterFunc(session.Context(), func() { idle.Reset(idleGrace) })
	if err := l.open(session, r); err != nil {
		l.opts.Logger.Debug("webtransport session refused", "address", r.RemoteAddr, "error", err)
	}
}

// open hands the first stream of a session to the engine: "the client must create a
// bidirectional stream".
func (l *listener) open(session *webtransport.Session, r *http.Request) error {
	ctx, cancel := context.WithTimeout(session.Context(), l.opts.UpgradeTimeout)
	defer cancel()
	stream, err := session.AcceptStream(ctx)
	c := &conn{stream, session}
	if err != nil {
		_ = c.Close() // it never fails
		return fmt.Errorf("webtransport: no stream: %w", err)
	}
	return l.engine.ServeStream(ctx, r, c)
}
