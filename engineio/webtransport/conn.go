package webtransport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/quic-go/webtransport-go"
)

// A conn is a session and the one stream that is used of it, as a connection.
type conn struct {
	*webtransport.Stream
	session *webtransport.Session
}

var _ net.Conn = (*conn)(nil)

// Read takes each way in which the stream ends for the end of the connection.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("webtransport: %w: %w", net.ErrClosed, err)
	}
	return n, err
}

// Close closes the session, which ends what is read and written. It does not wait: telling
// the client may take a few milliseconds.
func (c *conn) Close() error {
	go func() { _ = c.session.CloseWithError(0, "") }() // it never fails
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.session.LocalAddr() }
func (c *conn) RemoteAddr() net.Addr { return c.session.RemoteAddr() }
