package limit_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/limit"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// username is who a client says it is.
func username(_ context.Context, s *socketio.Socket) string {
	return s.Handshake().Query.Get("user")
}

// newServer returns a server with the limits, whose namespace /chat answers the
// events "a" and "b" with "ok".
func newServer(t testing.TB, l *limit.Limiter) *socketio.Server {
	srv := socketio.NewServer(socketio.Options{
		Engine: engineio.Options{Admit: l.Admit},
		Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ns := srv.Of("/chat")
	l.Protect(ns)
	for _, event := range []string{"a", "b"} {
		socketio.OnAck(ns, event, func(context.Context, *socketio.Socket, socketio.Args) (string, error) { return "ok", nil })
	}
	return srv
}

// bubble runs a test in which time is not real. Its clients have no address.
func bubble(t *testing.T, opts limit.Options, f func(t *testing.T, l *limit.Limiter, clients *siotest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		l := limit.New(opts)
		f(t, l, siotest.Pipe(t, newServer(t, l)))
	})
}

// join returns a client of a user.
func join(clients *siotest.Server, user string) *siotest.Client {
	c := clients.Open(siotest.Options{Query: "user=" + user})
	c.Join("/chat", "")
	return c
}

const ok = `3/chat,1["ok"]`

// late is the answer to an event that came too early.
func late(wait string, ms string) string {
	return `3/chat,1[{"status":"error","code":"rate_limited","message":"too many events, try again in ` + wait + `","retryAfterMs":` + ms + `}]`
}

// ask sends an event with an ack.
func ask(c *siotest.Client, event string) { _ = c.Send(`2/chat,1["` + event + `"]`) }

// asks sends an event n times and wants these answers.
func asks(t testing.TB, c *siotest.Client, event string, answers ...string) {
	t.Helper()
	for _, want := range answers {
		ask(c, event)
		c.Want(want)
	}
}

const minute = time.Minute
