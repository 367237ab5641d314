package engineio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// lingerTimeout is how long a client may take to answer a close frame, or to take
// the answer to its own.
const lingerTimeout = 5 * time.Second

// A wsConn is a connection of a session that carries frames: its transport, or one
// that wants to become it. It is a WebSocket or, with frames.bare, a stream.
type wsConn struct {
	// Set once.
	session *Session
	link    link
	deflate *deflater // nil if that was not agreed
	base64  bool      // the client takes no binary frames

	// Owned by whoever reads from the link.
	frames frameReader
	active bool // it is the session's transport

	// Guarded by session.mu.
	probed bool // a probe was answered
	pongs  int8 // that are to come before a stream is closed
}

// A link is what carries a wsConn. It reads by itself, from when it
// is started until it is closed or lost, and calls wsConn.receive and wsConn.lost.
// Its methods don't block, but for writeNow, and may be called from any goroutine.
type link interface {
	// start begins to read.
	start()
	// write writes as much of p as the connection takes at once. If that is not
	// all, the error says why; errWouldBlock is no failure.
	write(p []byte) (int, error)
	// writeNow writes a few bytes, while nobody else writes. It may take a second.
	writeNow(p []byte) error
	// drain has Session.unblock or drainWith called when the connection takes more.
	drain()
	// pause stops reading until resume. session.mu is held for both.
	pause()
	resume()
	// linger closes the connection when the client has answered our farewell, or has
	// not for too long; close does it at once. Both may be called twice.
	linger()
	close()
}

// accept completes the WebSocket handshake of r. rest is what the client has sent
// after it already. d is what compresses messages, if that was agreed.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (conn net.Conn, rest []byte, d *deflater, err error) {
	// The response's headers so far, CORS among them, go into the handshake.
	u := ws.HTTPUpgrader{Header: w.Header(), Timeout: 10 * time.Second}
	if s.deflate != nil {
		u.Negotiate = func(offer httphead.Option) (accepted httphead.Option, err error) {
			if d == nil { // else an offer that the client likes better was accepted
				if accepted = s.deflate.negotiate(offer); accepted.Size() > 0 {
					d = s.deflate
				}
			}
			return accepted, nil
		}
	}
	conn, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close() // it was answered with an error
		}
		return nil, nil, nil, err
	}
	rest, _ = rw.Reader.Peek(rw.Reader.Buffered())
	return conn, rest, d, nil
}

func newWSConn(s *Session, conn net.Conn, active, base64 bool, d *deflater) *wsConn {
	c := &wsConn{session: s, active: active, base64: base64, deflate: d}
	c.frames.max = s.srv.opts.MaxPayload
	c.frames.deflate = d != nil
	c.link = s.srv.newLink(c, conn)
	return c
}

// receive takes bytes of the client, which it may change. An error ends the
// connection.
func (c *wsConn) receive(data []byte) error {
	c.session.shard.in.bytes.Add(uint64(len(data)))
	return c.frames.feed(data, c.handle)
}

// handle takes a message or a control frame.
func (c *wsConn) handle(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		frame := append(appendHeader(nil, ws.OpPong, len(payload)), payload...)
		if c.active {
			c.session.Send(newControl(frame))
			return nil
		}
		return c.link.writeNow(frame)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		if c.active && c.session.close(TransportClose, lingerTimeout) {
			return nil // the end comes when our close frame is written
		}
		return io.EOF
	}
	p, err := c.decode(op == ws.OpBinary, payload)
	if err != nil {
		return err
	}
	switch {
	case !c.active:
		return c.session.receiveProbe(c, p)
	case c.frames.bare && p.Type == enginewire.Pong && c.saidFarewell():
		return io.EOF
	default:
		return c.session.receive(p)
	}
}

// format is the form of what is written.
func (c *wsConn) format() format {
	if c.frames.bare {
		return stream4
	}
	f := frames4
	if c.session.protocol == 3 {
		f = frames3
	}
	if c.base64 {
		f += frames4Text - frames4
	}
	return f
}

func (c *wsConn) decode(binary bool, payload []byte) (enginewire.Packet, error) {
	switch {
	case !binary && c.session.protocol == 3 && len(payload) > 0 && payload[0] == 'b':
		if len(payload) < 2 || payload[1] != byte(enginewire.Message) {
			return enginewire.Packet{}, enginewire.ErrPacket
		}
		payload[1] = 'b' // base64 has its type before it, and else looks as in protocol 4
		return enginewire.DecodePacket4(payload[1:])
	case !binary:
		return enginewire.DecodePacket4(payload)
	case c.session.protocol == 4:
		return enginewire.Packet{Type: enginewire.Message, Binary: true, Data: payload}, nil
	case len(payload) == 0 || payload[0] > 6:
		return enginewire.Packet{}, enginewire.ErrPacket
	default:
		return enginewire.Packet{Type: enginewire.Type('0' + payload[0]), Binary: true, Data: payload[1:]}, nil
	}
}

// lost takes the end of the connection: of the session if c was its transport, of
// the upgrade if it wanted to become that.
func (c *wsConn) lost(err error) {
	s := c.session
	s.mu.Lock()
	active, reason := s.ws == c, lossReason(err)
	if active && s.state == stateClosing && len(s.out) == 0 {
		reason, err = s.why, nil // the client has all it was sent, our close frame last
	}
	if s.probe == c {
		s.endProbe()
	}
	s.mu.Unlock()
	if active {
		s.finish(reason, err)
	}
	s.srv.gone(c)
}

func lossReason(err error) Reason {
	var system syscall.Errno
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &system):
		return TransportClose
	case errors.Is(err, enginewire.ErrPacket):
		return ParseError
	default:
		return TransportError
	}
}
