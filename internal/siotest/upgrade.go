package siotest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// An upgrade is how a client goes over from polling to WebSocket: the one that
// polls stops when that is wanted, says so, and gets what it reads from then on.
type upgrade struct {
	wanted chan struct{}      // closed
	polled chan bool          // false if the session has ended meanwhile
	moved  chan *bufio.Reader // nil if nothing comes of it
	conn   net.Conn           // set before moved
}

// upgrade does what engine.io-client does: it probes while the polls go on, then
// stops them and sends nothing until it has said so.
func (c *Client) upgrade(s *Server, o Options, u *upgrade) {
	conn, r, err := c.probe(s, o)
	if err != nil {
		c.upgraded <- err
		u.moved <- nil
		return
	}
	defer c.lock()()
	close(u.wanted)
	if !<-u.polled {
		_ = conn.Close()
		c.upgraded <- errors.New("the session ended before the upgrade")
		u.moved <- nil
		return
	}
	c.write = func(p enginewire.Packet) error { return c.writeFrame(conn, p) }
	err = c.write(enginewire.Packet{Type: enginewire.Upgrade})
	c.hear = make(chan struct{})
	c.Hear()
	u.conn = conn
	c.upgraded <- err
	u.moved <- r
}

// probe opens a WebSocket for the session and tries it.
func (c *Client) probe(s *Server, o Options) (net.Conn, *bufio.Reader, error) {
	dialer := ws.Dialer{
		NetDial: func(context.Context, string, string) (net.Conn, error) { return s.dial() },
		Header:  ws.HandshakeHeaderHTTP(o.Header),
	}
	conn, buffered, _, err := dialer.Dial(context.Background(), s.url("ws", "websocket", o)+"&sid="+c.SID)
	if err != nil {
		return nil, nil, err
	}
	context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	if err := c.writeFrame(conn, enginewire.Packet{Type: enginewire.Ping, Data: []byte("probe")}); err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(conn)
	if buffered != nil {
		r = buffered
	}
	f, err := readFrame(r)
	if err != nil || string(f.Payload) != "3probe" {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("answer to the probe: %q, %w", f.Payload, err)
	}
	return conn, r, nil
}

// Upgraded waits for the upgrade of a client that does one.
func (c *Client) Upgraded() error {
	err := <-c.upgraded
	c.upgraded <- err // for the next one who asks
	return err
}
