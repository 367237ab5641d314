package socketio_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

type testKey struct{ n int }

func TestValues(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/chat")
	seen := make(chan [4]any, 8)
	look := func(ctx context.Context, s *socketio.Socket) {
		seen <- [4]any{s.Value(testKey{1}), ctx.Value(testKey{1}), ctx.Value(testKey{2}), ctx.Value(1)}
	}
	ns.Use(func(ctx context.Context, s *socketio.Socket) error {
		look(ctx, s)
		s.SetValue(testKey{1}, "first")
		s.SetValue(testKey{2}, "second")
		return nil
	})
	ns.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		look(ctx, s)
		s.SetValue(testKey{1}, "changed")
		return nil
	})
	ns.OnDisconnect(func(ctx context.Context, s *socketio.Socket, _ socketio.Reason) { look(ctx, s) })
	clients.Join("/chat").Close()
	for i, want := range [][4]any{{}, {"first", "first", "second"}, {"changed", "changed", "second"}} {
		if got := next(t, seen); got != want {
			t.Errorf("look %d: %v, want %v", i, got, want)
		}
	}
}

// TestContextAfterFunc holds what waits for the end of a socket to be called once,
// also if the socket never joined.
func TestContextAfterFunc(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		var j journal
		after := func(s *socketio.Socket, name string) (stop func() bool) {
			return context.AfterFunc(s.Context(), func() { j.note("%s ended", name) })
		}
		srv.Of("/chat").Use(func(_ context.Context, s *socketio.Socket) error {
			after(s, "socket")
			if !after(s, "stopped")() {
				t.Error("stop came too late")
			}
			return nil
		})
		srv.Of("/chat").Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Handshake().Query.Get("refuse") != "" {
				return errors.New("no")
			}
			return nil
		})
		sockets := joined(srv.Of("/chat"))
		want := func(lines ...string) {
			t.Helper()
			synctest.Wait()
			got := j.read()
			if len(got) != len(lines) {
				t.Fatalf("got %q, want %q", got, lines)
			}
		}

		refused := clients.Open(siotest.Options{Query: "refuse=1"})
		_ = refused.Send("0/chat,")
		refused.Want(`4/chat,{"message":"no"}`)
		want("socket ended")

		c := clients.Join("/chat")
		s := <-sockets
		derived, cancel := context.WithTimeout(s.Context(), time.Hour)
		defer cancel()
		want("socket ended")
		c.Close()
		want("socket ended", "socket ended")
		if derived.Err() != context.Canceled {
			t.Errorf("derived context: %v", derived.Err())
		}
		if after(s, "late")() {
			t.Error("stopped what had begun")
		}
		want("socket ended", "socket ended", "late ended")
	})
}
