package limit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/limit"
	"github.com/damso/damso/socketio"
)

const crowded = `4/chat,{"message":"too many connections of this user","data":{"code":"too_many_connections","message":"too many connections of this user"}}`

func TestSocketsPerUser(t *testing.T) {
	bubble(t, limit.Options{User: username, SocketsPerUser: 2}, func(t *testing.T, l *limit.Limiter, clients *siotest.Server) {
		refused := func(user string) {
			t.Helper()
			c := clients.Open(siotest.Options{Query: "user=" + user})
			_ = c.Send("0/chat,")
			c.Want(crowded)
		}
		first, second := join(clients, "minsu"), join(clients, "minsu")
		refused("minsu")
		refused("minsu")
		join(clients, "jimin")
		for range 3 {
			join(clients, "") // nobody
		}
		if got, want := l.Stats(), (limit.Stats{RefusedSockets: 2, Users: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		_ = first.Send("1/chat,") // leaves
		synctest.Wait()
		first.Join("/chat", "") // and comes back
		refused("minsu")
		second.Close()
		synctest.Wait()
		third := join(clients, "minsu")
		refused("minsu")
		for _, c := range []*siotest.Client{first, third} {
			c.Close()
		}
		synctest.Wait()
		if s := l.Stats(); s.Users != 1 {
			t.Errorf("%d users are left, want 1", s.Users)
		}
	})
}

// TestSeatOfRefused holds a seat to be given back by a socket that another
// middleware refuses, or whose client leaves before it has joined.
func TestSeatOfRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(limit.Options{User: username, SocketsPerUser: 1})
		srv := newServer(t, l)
		hold := make(chan struct{})
		type entry = func(context.Context, *socketio.Socket) error
		srv.Of("/chat").UseConnect(func(next entry) entry {
			return func(ctx context.Context, s *socketio.Socket) error {
				switch s.Handshake().Query.Get("then") {
				case "refuse":
					return errors.New("no")
				case "panic":
					panic("no")
				case "wait":
					<-hold
				}
				return next(ctx, s)
			}
		})
		clients := siotest.Pipe(t, srv)
		for _, then := range []string{"refuse", "panic", "refuse"} {
			c := clients.Open(siotest.Options{Query: "user=minsu&then=" + then})
			_ = c.Send("0/chat,")
			if got := c.Text(); got == crowded {
				t.Errorf("%s: the seat was not given back", then)
			}
			synctest.Wait()
		}
		c := clients.Open(siotest.Options{Query: "user=minsu&then=wait"})
		_ = c.Send("0/chat,")
		synctest.Wait()
		if l.Stats().Users != 1 {
			t.Error("has no seat")
		}
		c.Close()
		synctest.Wait()
		if l.Stats().Users != 0 {
			t.Error("the seat of a client that has gone was not given back")
		}
		close(hold)
	})
}

func TestReplaceOldest(t *testing.T) {
	opts := limit.Options{User: username, SocketsPerUser: 2, ReplaceOldest: true}
	bubble(t, opts, func(t *testing.T, l *limit.Limiter, clients *siotest.Server) {
		const replaced = `2/chat,["exception",{"status":"error","code":"replaced","message":"a newer connection took the place of this one"}]`
		next := func() *siotest.Client {
			c := join(clients, "minsu")
			synctest.Wait() // the handlers of the connection run after the greeting
			return c
		}
		first, second := next(), next()
		third := next()
		first.Want(replaced, "1/chat,")
		fourth := next()
		second.Want(replaced, "1/chat,")
		asks(t, third, "a", ok)
		asks(t, fourth, "a", ok)
		join(clients, "")
		if got, want := l.Stats(), (limit.Stats{ReplacedSockets: 2, Users: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		third.Close()
		fourth.Close()
		synctest.Wait()
		if s := l.Stats(); s.Users != 0 {
			t.Errorf("%d users are left", s.Users)
		}
	})
}
