// Package webtransport serves the sessions of an engineio.Server over WebTransport,
// for clients of Socket.IO 4.7 and later in browsers. It listens on a UDP port of its
// own, beside the HTTP server that has the other transports. Clients look for it at the
// address that they have for these: the same name, and the same number of the port.
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

	idle time.Duration // instead of the default, in tests
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
	err = newListener(s.Engine, &opts, cmp.Or(s.idle, defaultIdle)).serve(ctx, quicListener)
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

// quicIdle is how long a connection may be silent. It is the usual limit of clients, too.
const quicIdle = 30 * time.Second

// A listener is a Server at work.
type listener struct {
	engine  *engineio.Server
	opts    *engineio.Options
	idle    time.Duration // see usage
	wt      webtransport.Server
	serving sync.WaitGroup
}

func newListener(engine *engineio.Server, opts *engineio.Options, idle time.Duration) *listener {
	l := &listener{engine: engine, opts: opts, idle: idle}
	l.wt.H3 = &http3.Server{Handler: l, ConnContext: l.withUsage, MaxHeaderBytes: 16 << 10}
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

// ServeHTTP serves a request to open a session.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session, err := l.wt.Upgrade(w, r)
	if err != nil {
		l.opts.Logger.Debug("webtransport handshake failed", "address", r.RemoteAddr, "error", err)
		http.Error(w, "this is for WebTransport", http.StatusBadRequest)
		return
	}
	use := r.Context().Value(usageKey{}).(*usage)
	use.add(1)
	context.AfterFunc(session.Context(), func() { use.add(-1) })
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
