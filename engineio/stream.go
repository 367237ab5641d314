package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// Errors of clients that come over a stream.
var (
	errBadOpen     = fmt.Errorf("engineio: a stream must begin with an open packet: %w", enginewire.ErrPacket)
	errEmptyText   = fmt.Errorf("engineio: empty frame on a stream: %w", enginewire.ErrPacket)
	errFrameTooBig = fmt.Errorf("engineio: frame on a stream is larger than the maximum payload: %w", enginewire.ErrPacket)
)

// maxOpen is how long the frame may be that a stream begins with.
const maxOpen = 256

// ServeStream takes over conn, a stream of bytes in both directions that is ordered
// and reliable, such as one of WebTransport, as the transport of a new session or as
// one that a session is to be upgraded to. Clients speak protocol 4 on it, with the
// transport named "webtransport", which [Options.Transports] must have. r is the
// request that the stream came with; AllowRequest and Admit decide about it if it
// opens a session, and CORS has no part in it.
//
// ServeStream returns when the client has said what it wants; if it does not before
// ctx ends, or within [Options.UpgradeTimeout], that is an error. conn is closed
// by the server: when ServeStream returns an error, or when the session has no use for it
// any more. Its methods must be safe for concurrent use, as those of any
// [net.Conn], and Close must not wait for the client.
func (s *Server) ServeStream(ctx context.Context, r *http.Request, conn net.Conn) error {
	open, rest, err := s.readOpen(ctx, conn)
	if err != nil {
		_ = conn.Close() // the client has not kept to the protocol
		return err
	}
	c, err := s.attachStream(r, conn, open)
	if failure, ok := errors.AsType[*ConnectionError](err); ok && s.routes(failure) {
		if err = s.forwardStream(ctx, failure, conn, rest); err == nil {
			return nil
		}
	}
	if err != nil {
		if failure, ok := errors.AsType[*ConnectionError](err); ok {
			s.refused(r, failure)
		}
		_ = conn.Close() // as engine.io does, without a word
		return err
	}
	if err := c.receive(rest); err != nil {
		c.lost(err)
		c.link.close()
		return err
	}
	c.link.start()
	return nil
}

// readOpen reads the packet that a stream begins with, and returns its data. rest is
// what the client has sent after it already.
func (s *Server) readOpen(ctx context.Context, conn net.Conn) (data, rest []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.UpgradeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(past) })
	frames := frameReader{max: min(maxOpen, s.opts.MaxPayload), bare: true}
	buf := make([]byte, 0, readSize) // more than a frame that is allowed
	for used := 0; used == 0; rest = buf[used:] {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if n == 0 && err != nil {
			return nil, nil, fmt.Errorf("engineio: stream handshake: %w", err)
		}
		buf = buf[:len(buf)+n]
		if used, err = frames.nextBare(buf, takeOpen(&data)); err != nil {
			return nil, nil, err
		}
	}
	if !stop() {
		return nil, nil, fmt.Errorf("engineio: stream handshake: %w", ctx.Err())
	}
	return data, rest, nil
}

// takeOpen returns what takes the data of an open packet.
func takeOpen(data *[]byte) func(ws.OpCode, []byte) error {
	return func(op ws.OpCode, payload []byte) error {
		if op != ws.OpText || payload[0] != byte(enginewire.Open) {
			return errBadOpen
		}
		*data = payload[1:]
		return nil
	}
}

// attachStream gives conn to the session that the data of its open packet speaks of:
// a new one if there is none.
func (s *Server) attachStream(r *http.Request, conn net.Conn, open []byte) (*wsConn, error) {
	if !slices.Contains(s.opts.Transports, WebTransport) {
		return nil, errUnknownTransport.with("transport", WebTransport)
	}
	if len(open) == 0 {
		return s.openStream(r, conn)
	}
	var named struct {
		SID string `json:"sid"`
	}
	if json.Unmarshal(open, &named) != nil || named.SID == "" {
		return nil, errBadRequest.with("name", "TRANSPORT_HANDSHAKE_ERROR")
	}
	session := s.session(named.SID)
	if session == nil {
		return nil, errUnknownSession.with("sid", named.SID)
	}
	if session.protocol != 4 {
		return nil, errBadRequest.with("name", "PROTOCOL_MISMATCH", "protocol", 4, "previousProtocol", session.protocol)
	}
	c := session.beginProbe(conn, false, nil)
	if c == nil {
		return nil, errBadRequest.with("name", "TRANSPORT_MISMATCH", "transport", WebTransport, "previousTransport", session.Transport())
	}
	c.frames.bare = true
	return c, nil
}

// openStream opens a session that begins with a stream.
func (s *Server) openStream(r *http.Request, conn net.Conn) (*wsConn, error) {
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			return nil, errForbidden(err)
		}
	}
	session := s.newSession(r, url.Values{"EIO": {"4"}})
	if s.opts.Admit != nil {
		release, err := s.opts.Admit(r)
		if err != nil {
			return nil, errForbidden(err)
		}
		session.release = release
	}
	c := newWSConn(session, conn, true, false, nil)
	c.frames.bare = true
	session.ws = c
	if s.open(session, WebTransport) {
		return c, nil
	}
	if session.release != nil {
		session.release()
	}
	s.counters.refuse(RefusedClosing)
	return nil, errServerShutdown
}

// farewell is the last that a client is sent over c: a close frame or, since streams
// have none and closing one may lose what is under way, a ping, whose answer says
// that the client has had everything. mu is held.
func (s *Session) farewell(c *wsConn) *Message {
	if !c.frames.bare {
		return closeFrame
	}
	c.pongs = 1
	if s.beat.waiting {
		c.pongs++
	}
	return pingPacket
}

// saidFarewell notes a pong, and says whether it is the answer to the farewell.
func (c *wsConn) saidFarewell() bool {
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	if c.pongs == 0 {
		return false
	}
	c.pongs--
	return c.pongs == 0
}
