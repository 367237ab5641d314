package engineio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// lingerTimeout is how long a client may take to answer a close frame.
const lingerTimeout = 5 * time.Second

// A wsConn is a WebSocket connection of a session: its transport, or one that
// wants to become it.
type wsConn struct {
	// Set once.
	session *Session
	conn    net.Conn
	raw     syscall.RawConn // of conn, if that is a socket of the system; else nil

	// Owned by read.
	frames frameReader
	active bool // it is the session's transport

	probed bool // a probe was answered; guarded by session.mu
}

// accept completes the WebSocket handshake of r. rest is what the client has sent
// after it already.
func accept(w http.ResponseWriter, r *http.Request) (conn net.Conn, rest []byte, err error) {
	// The response's headers so far, CORS among them, go into the handshake.
	conn, rw, _, err := ws.HTTPUpgrader{Header: w.Header(), Timeout: 10 * time.Second}.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close() // it was answered with an error
		}
		return nil, nil, err
	}
	rest, _ = rw.Reader.Peek(rw.Reader.Buffered())
	return conn, rest, nil
}

func newWSConn(s *Session, conn net.Conn, active bool) *wsConn {
	c := &wsConn{session: s, conn: conn, active: active}
	c.frames.max = s.srv.opts.MaxPayload
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// read handles what the client sends, beginning with rest, until the connection
// ends; then it closes it.
func (c *wsConn) read(rest []byte) {
	r := reader{conn: c.conn, raw: c.raw}
	err := c.frames.feed(rest, c.handle)
	for err == nil {
		c.session.awaitResume()
		var data []byte
		if data, err = r.read(); err == nil {
			err = c.frames.feed(data, c.handle)
		}
		r.release()
	}
	c.session.lost(c, err)
	c.close()
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
		return c.writeNow(frame)
	case ws.OpPong:
		return nil
	case ws.OpClose:
		if c.active {
			c.session.answerClose(c)
		}
		return io.EOF
	}
	p, err := c.decode(op == ws.OpBinary, payload)
	if err != nil {
		return err
	}
	if c.active {
		return c.session.receive(p)
	}
	return c.session.receiveProbe(c, p)
}

func (c *wsConn) decode(binary bool, payload []byte) (enginewire.Packet, error) {
	switch {
	case !binary:
		return enginewire.DecodePacket4(payload) // the same in protocol 3
	case c.session.protocol == 4:
		return enginewire.Packet{Type: enginewire.Message, Binary: true, Data: payload}, nil
	case len(payload) == 0 || payload[0] > 6:
		return enginewire.Packet{}, enginewire.ErrPacket
	default:
		return enginewire.Packet{Type: enginewire.Type('0' + payload[0]), Binary: true, Data: payload[1:]}, nil
	}
}

// writeNow writes a small frame to a connection that nobody else writes to yet.
func (c *wsConn) writeNow(frame []byte) error {
	_, err := c.conn.Write(frame)
	return err
}

// close ends the connection. It may be called more than once.
func (c *wsConn) close() { _ = c.conn.Close() } // nothing can be done about an error

// linger gives the client time to answer our close frame; read then closes the
// connection.
func (c *wsConn) linger() { _ = c.conn.SetReadDeadline(time.Now().Add(lingerTimeout)) }

// lost ends the session if c was its transport, or the upgrade if it wanted to
// become that.
func (s *Session) lost(c *wsConn, err error) {
	s.mu.Lock()
	active := s.ws == c
	if s.probe == c {
		s.endProbe()
	}
	s.mu.Unlock()
	if active {
		s.finish(lossReason(err), err)
	}
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

// answerClose answers the client's close frame, if the connection takes it at
// once.
func (s *Session) answerClose(c *wsConn) {
	s.mu.Lock()
	idle := s.state == stateOpen && len(s.out) == 0 && !s.flushing && !s.blocked
	s.flushing = s.flushing || idle
	s.mu.Unlock()
	if idle {
		_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_ = c.writeNow(closeFrame.frame) // a courtesy
	}
}

// readSize is how much is read from a connection at once.
const readSize = 32 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// A reader reads from a connection into a buffer that it has only while there
// is data, if the system lets it wait without one.
type reader struct {
	conn net.Conn
	raw  syscall.RawConn
	buf  *[readSize]byte

	n   int // result of attempt
	err error
	fn  func(fd uintptr) bool
}

// read returns what has arrived, once something has. It is valid until release.
func (r *reader) read() ([]byte, error) {
	if r.raw == nil {
		r.buf = readBuffers.Get().(*[readSize]byte)
		n, err := r.conn.Read(r.buf[:])
		if n > 0 {
			err = nil // comes again
		}
		return r.buf[:n], err
	}
	if r.fn == nil {
		r.fn = r.attempt
	}
	if err := r.raw.Read(r.fn); err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.buf[:r.n], nil
}

// attempt is called with a descriptor that may be readable, and says whether it
// got something.
func (r *reader) attempt(fd uintptr) bool {
	r.buf = readBuffers.Get().(*[readSize]byte)
	n, err := syscall.Read(int(fd), r.buf[:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), r.buf[:])
	}
	if err == syscall.EAGAIN {
		r.release()
		return false
	}
	r.n, r.err = max(n, 0), err
	if n == 0 && err == nil {
		r.err = io.EOF
	}
	return true
}

func (r *reader) release() {
	if r.buf != nil {
		readBuffers.Put(r.buf)
		r.buf = nil
	}
}
