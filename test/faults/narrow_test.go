package faults

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// A narrow way lets 20 kB a second through on each connection while it is narrow. (That of
// toxiproxy holds what waits for ever when a connection ends.)
type narrow struct{ on atomic.Bool }

// client is the way to a server.
func (n *narrow) client(addr string) rueidis.ClientOption {
	o := single(addr)
	o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		err = conn.(*net.TCPConn).SetReadBuffer(32 << 10)
		return &narrowConn{conn, n}, err
	}
	return o
}

type narrowConn struct {
	net.Conn
	way *narrow
}

func (c *narrowConn) Read(p []byte) (int, error) {
	if c.way.on.Load() {
		time.Sleep(50 * time.Millisecond)
		p = p[:min(len(p), 1000)]
	}
	return c.Conn.Read(p)
}
