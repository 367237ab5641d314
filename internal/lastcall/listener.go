package lastcall

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// grace is how long connections that are being made when the listener ends may take to be
// there: some round trips in a data centre, or the turn of whoever handles packets on a machine that
// is many times too busy. Longer is not better: who comes meanwhile loses a second.
const grace = 100 * time.Millisecond

// A Listener is a [net.Listener] for TCP that can end without turning anybody away.
type Listener struct {
	*net.TCPListener
	accepts atomic.Bool // Accept was called
	once    sync.Once
	closed  chan struct{}
}

// Listen listens on a TCP address, as [net.Listen] does, but without Multipath TCP, which
// takes no filters.
func Listen(addr string) (*Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Listener{TCPListener: l.(*net.TCPListener), closed: make(chan struct{})}, nil
}

// Accept implements [net.Listener]. It is not called by more than one goroutine.
func (l *Listener) Accept() (net.Conn, error) {
	l.accepts.Store(true)
	conn, err := l.TCPListener.Accept()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return conn, err
	}
	if conn = l.next(); conn != nil {
		return conn, nil
	}
	return nil, errors.Join(fmt.Errorf("lastcall: %w", net.ErrClosed), l.Close())
}

// Close closes the listener at once. Connections that were not accepted are reset.
func (l *Listener) Close() error {
	defer l.once.Do(func() { close(l.closed) })
	return l.TCPListener.Close()
}

// Finish closes the listener when all connections that have come so far were accepted by
// who accepts them, or when ctx ends. On Linux, whoever comes meanwhile is not heard, and
// when he tries again, which is after a second, he is refused: nobody is connected and then
// turned away.
func (l *Listener) Finish(ctx context.Context) {
	_ = l.deafen() // or else only those who come at the very end are turned away
	if !l.accepts.Load() || l.SetDeadline(time.Now().Add(grace)) != nil {
		_ = l.Close() // nobody accepts, or it is closed
		return
	}
	select {
	case <-l.closed:
	case <-ctx.Done():
		_ = l.Close()
	}
}
