package socketio_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

func TestUseConnect(t *testing.T) {
	type handler = func(context.Context, *socketio.Socket) error
	tests := []struct {
		name string
		wrap func(next handler) handler
		want []string // what the client gets
		errs []string // what OnError gets
	}{
		{"goes on", func(next handler) handler {
			return func(ctx context.Context, s *socketio.Socket) error { return next(ctx, s) }
		}, []string{`2/chat,["hello"]`}, nil},
		{"refuses", func(handler) handler {
			return func(context.Context, *socketio.Socket) error {
				return &socketio.ConnectError{Message: "no", Data: 7}
			}
		}, []string{`4/chat,{"message":"no","data":7}`}, nil},
		{"does not go on", func(handler) handler {
			return func(context.Context, *socketio.Socket) error { return nil }
		}, []string{`4/chat,{"message":"Internal server error"}`}, nil},
		{"panics before", func(handler) handler {
			return func(context.Context, *socketio.Socket) error { panic("oops") }
		}, []string{`4/chat,{"message":"Internal server error"}`}, nil},
		{"fails after", func(next handler) handler {
			return func(ctx context.Context, s *socketio.Socket) error {
				return errors.Join(next(ctx, s), errors.New("late"))
			}
		}, []string{`2/chat,["hello"]`}, []string{"late"}},
		{"panics after", func(next handler) handler {
			return func(ctx context.Context, s *socketio.Socket) error {
				_ = next(ctx, s)
				panic("oops")
			}
		}, []string{`2/chat,["hello"]`, `1/chat,`}, nil},
		{"goes on twice", func(next handler) handler {
			return func(ctx context.Context, s *socketio.Socket) error {
				return errors.Join(next(ctx, s), next(ctx, s))
			}
		}, []string{`2/chat,["hello"]`}, []string{socketio.ErrDisconnected.Error()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			var errs []string
			handled := make(chan struct{})
			ns := srv.Of("/chat")
			ns.UseConnect(func(next handler) handler {
				return func(ctx context.Context, s *socketio.Socket) error {
					defer close(handled)
					return tt.wrap(next)(ctx, s)
				}
			})
			ns.OnConnect(func(_ context.Context, s *socketio.Socket) error { return s.Emit("hello") })
			ns.OnError(func(_ context.Context, _ *socketio.Socket, _ *socketio.Event, err error) {
				errs = append(errs, err.Error())
			})
			c := clients.Open(siotest.Options{})
			if err := c.Send("0/chat,"); err != nil {
				t.Fatal(err)
			}
			if tt.want[0][0] != '4' {
				_ = c.Text() // the greeting
			}
			c.Want(tt.want...)
			<-handled
			if err := srv.Close(); err != nil { // waits for the handlers
				t.Fatal(err)
			}
			if !slices.Equal(errs, tt.errs) {
				t.Errorf("errors %q, want %q", errs, tt.errs)
			}
		})
	}
}

func TestUseConnectOrder(t *testing.T) {
	type handler = func(context.Context, *socketio.Socket) error
	srv, clients := serve(t, socketio.Options{})
	steps := make(chan string, 10)
	around := func(name string) func(handler) handler {
		return func(next handler) handler {
			return func(ctx context.Context, s *socketio.Socket) error {
				steps <- name
				defer func() { steps <- "end of " + name }()
				return next(ctx, s)
			}
		}
	}
	ns := srv.Of("/chat")
	ns.UseConnect(around("outer"))
	ns.UseConnect(around("inner"))
	ns.OnConnect(func(context.Context, *socketio.Socket) error { steps <- "handler"; return nil })
	ns.Use(func(context.Context, *socketio.Socket) error { steps <- "middleware"; return nil })
	clients.Join("/chat")
	for _, want := range []string{"middleware", "outer", "inner", "handler", "end of inner", "end of outer"} {
		if got := next(t, steps); got != want {
			t.Fatalf("%s comes, want %s", got, want)
		}
	}
}
