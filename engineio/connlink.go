package engineio

import (
	"crypto/tls"
	"net"
	"time"
)

// A connLink is a link over any connection: TLS, a pipe, TCP on a system without
// a loop. It has a goroutine that reads, and one that writes while there is
// something to write.
type connLink struct {
	ws   *wsConn
	conn net.Conn
}

// readSize is how much a connLink reads at once.
const readSize = 4 << 10

func (l *connLink) start() {
	if !l.ws.session.srv.start(l.read) {
		l.close()
	}
}

// read reads until the connection ends; then it closes it.
func (l *connLink) read() {
	buf := make([]byte, readSize)
	for {
		l.ws.session.awaitResume(nil)
		n, err := l.conn.Read(buf)
		if n > 0 {
			err = l.ws.receive(buf[:n]) // an error of Read comes again
		}
		if err != nil {
			l.ws.lost(err)
			_ = l.conn.Close() // in good order, if it is not closed already
			return
		}
	}
}

// A tryWriter is a connection that can write without waiting: less than it was given, if
// it would have to wait for the rest.
type tryWriter interface{ TryWrite(p []byte) (int, error) }

// write leaves everything to drain, since a net.Conn can't write without waiting,
// unless it is one that can.
func (l *connLink) write(p []byte) (int, error) {
	c, ok := l.conn.(tryWriter)
	if !ok {
		return 0, errWouldBlock
	}
	n, err := c.TryWrite(p)
	if err == nil && n < len(p) {
		err = errWouldBlock
	}
	return n, err
}

func (l *connLink) writeNow(p []byte) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := l.conn.Write(p)
	_ = l.conn.SetWriteDeadline(time.Time{})
	return err
}

func (l *connLink) drain() {
	s := l.ws.session
	if !s.srv.start(func() { s.drainWith(l.conn.Write) }) {
		l.close()
	}
}

// pause has nothing to do: read asks the session.
func (l *connLink) pause()  {}
func (l *connLink) resume() {}

func (l *connLink) linger() { _ = l.conn.SetReadDeadline(time.Now().Add(lingerTimeout)) }

// close leaves out TLS's last words, which may have to wait for the client.
func (l *connLink) close() {
	conn := l.conn
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}
	_ = conn.Close() // nothing can be done about an error
}
