package socketio_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestContext follows a socket's context and contexts derived from it over the end
// of the socket.
func TestContext(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		sockets := joined(srv.Of("/"))
		c := clients.Join("/")
		s := <-sockets
		ctx := s.Context()
		if _, ok := ctx.Deadline(); ok || ctx.Err() != nil || ctx.Value(t) != nil {
			t.Errorf("deadline %v, error %v", ok, ctx.Err())
		}
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		timed, cancel := context.WithTimeout(derived, time.Hour)
		defer cancel()
		ended, cancelEarly := context.WithCancel(ctx)
		cancelEarly()
		called := make(chan bool, 2)
		context.AfterFunc(ctx, func() { called <- true })
		stop := context.AfterFunc(ctx, func() { called <- false })
		if !stop() || stop() {
			t.Error("what was stopped once says otherwise")
		}
		done := ctx.Done()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("ended before the socket")
		case <-called:
			t.Fatal("called before the end")
		default:
		}
		if derived.Err() != nil || ended.Err() != context.Canceled {
			t.Errorf("derived: %v, ended: %v", derived.Err(), ended.Err())
		}
		c.Close()
		<-done
		<-ctx.Done()
		<-derived.Done()
		<-timed.Done()
		if !<-called {
			t.Error("called what was stopped")
		}
		for _, c := range []context.Context{ctx, s.Context(), derived, timed} {
			if c.Err() != context.Canceled {
				t.Errorf("error %v", c.Err())
			}
		}
		late := make(chan bool)
		context.AfterFunc(s.Context(), func() { close(late) })
		<-late
		if late, cancel := context.WithCancel(s.Context()); late.Err() != context.Canceled {
			t.Errorf("derived after the end: %v", late.Err())
			cancel()
		} else {
			cancel()
		}
	})
}
