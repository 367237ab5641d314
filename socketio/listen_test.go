package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestOnAny: before the handler, for events without one too, and whatever it
// returns; inside of UseEvent.
func TestOnAny(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	var j journal
	ns.UseEvent(func(next socketio.Handler) socketio.Handler {
		return func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
			if e.Name == "stop" {
				return nil
			}
			j.note("around %s", e.Name)
			return next(ctx, s, e)
		}
	})
	ns.OnAny(func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
		j.note("any %s %d", e.Name, e.Args.Len())
		return errors.New("not today")
	})
	ns.OnError(func(_ context.Context, _ *socketio.Socket, e *socketio.Event, err error) {
		j.note("%s: %v", e.Name, err)
	})
	socketio.On(ns, "known", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error {
		j.note("known")
		return nil
	})
	socketio.On(ns, "end", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error { return s.Emit("end") })
	c := clients.Join("/")
	c.Emit("/", `["known",1]`)
	c.Emit("/", `["stop"]`)
	c.Emit("/", `["unknown",1,2]`)
	c.Emit("/", `["end"]`)
	c.Want(`2["end"]`)
	want := []string{
		"around known", "any known 1", "known: not today", "known",
		"around unknown", "any unknown 2", "unknown: not today",
		"around end", "any end 0", "end: not today",
	}
	if got := j.read(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestOnAnyPanic: a panic in it ends the socket, and the handler is not called.
func TestOnAnyPanic(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	ns.OnAny(func(context.Context, *socketio.Socket, *socketio.Event) error { panic("at once") })
	socketio.On(ns, "e", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error { return s.Emit("wrong") })
	c := clients.Join("/")
	c.Emit("/", `["e"]`)
	c.Want("1")
}

func TestOnAnyOutgoing(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	var j journal
	ns.OnAnyOutgoing(func(s *socketio.Socket, event string, args socketio.Args) {
		var arg any
		if err := args.Decode(&arg); err != nil {
			t.Error(err)
		}
		j.note("%s %s %v, in %d rooms", s.ID(), event, arg, len(s.Rooms()))
	})
	sockets := joined(ns)
	a := clients.Join("/")
	sa := next(t, sockets)
	b := clients.Join("/")
	sb := next(t, sockets)
	sb.Join("b")
	_ = sa.Emit("one", 1)
	_ = sa.EmitVolatile("two", []byte{2})
	_ = ns.To("b").Emit("three")
	_ = sb.Broadcast().Emit("four", "x")
	_, err := sa.EmitWithAck(canceled(), "five")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	a.Want(`2["one",1]`, `51-["two",{"_placeholder":true,"num":0}]`)
	a.WantBinary([]byte{2})
	a.Want(`2["four","x"]`, `20["five"]`)
	b.Want(`2["three"]`)
	want := []string{
		sa.ID() + " one 1, in 1 rooms", sa.ID() + " two [2], in 1 rooms", sb.ID() + " three <nil>, in 2 rooms",
		sa.ID() + " four x, in 1 rooms", sa.ID() + " five <nil>, in 1 rooms",
	}
	if got := j.read(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestOnce: two of them take an event each, in order, and the namespace's handler
// gets the third. One that was taken back gets none.
func TestOnce(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	answer := func(text string) socketio.Handler {
		return func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error { return e.Ack(text) }
	}
	ns.Handle("e", answer("namespace"))
	ns.Handle("other", answer("other"))
	sockets := joined(ns)
	a := clients.Join("/")
	s := next(t, sockets)
	b := clients.Join("/")
	off := s.Once("e", answer("never"))
	s.Once("e", answer("first"))
	s.Once("e", answer("second"))
	off()
	off()
	for i, want := range []string{"first", "second", "namespace"} {
		a.Emit("/", fmt.Sprintf(`%d["e"]`, i))
		a.Want(fmt.Sprintf(`3%d[%q]`, i, want))
	}
	s.Once("e", answer("third"))
	a.Emit("/", `8["other"]`)
	a.Want(`38["other"]`)
	b.Emit("/", `9["e"]`)
	b.Want(`39["namespace"]`)
	ns.Off("e")
	a.Emit("/", `10["e"]`)
	a.Want(`310["third"]`)
	a.Emit("/", `11["e"]`)
	a.Emit("/", `12["other"]`)
	a.Want(`312["other"]`)
}

// TestDisconnecting: rooms are there in its handlers, and gone in those that
// follow; reason and description can be asked for.
func TestDisconnecting(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		ends := make(chan string, 2)
		ns.OnDisconnecting(func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) {
			ends <- fmt.Sprintf("disconnecting %v %v %v", s.Rooms()[1:], reason, ctx.Err())
		})
		ns.OnDisconnect(func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) {
			again, err := s.DisconnectReason()
			ends <- fmt.Sprintf("disconnect %v %v %v %v", s.Rooms(), reason, again == reason, err != nil)
		})
		sockets := joined(ns)
		c := clients.Open(o)
		c.Join("/", "")
		s := next(t, sockets)
		if reason, err := s.DisconnectReason(); reason != "" || err != nil {
			t.Error(reason, err)
		}
		s.Join("a", "b")
		_ = c.Send("nonsense")
		for _, want := range []string{"disconnecting [a b] parse error <nil>", "disconnect [] parse error true true"} {
			if got := next(t, ends); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}
