package socketio_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/socketio"
)

// TestDisconnectWhileClosing ends sockets from outside, as a timer does, while the
// server is closed: each has its handlers called once.
func TestDisconnectWhileClosing(t *testing.T) {
	for range 50 {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/chat")
		sockets := joined(ns)
		var left atomic.Int32
		ns.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) { left.Add(1) })
		clients.Join("/chat")
		s := next(t, sockets)
		var wg sync.WaitGroup
		wg.Go(func() { s.Disconnect(false) })
		wg.Go(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if err := srv.Close(); err != nil { // waits for what has begun since
			t.Error(err)
		}
		if n := left.Load(); n != 1 {
			t.Fatalf("handler of the disconnection was called %d times", n)
		}
	}
}
