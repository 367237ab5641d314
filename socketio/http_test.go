package socketio_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A countingWriter is what middlewares put around a ResponseWriter. It shows no more
// of it than Unwrap does.
type countingWriter struct {
	http.ResponseWriter
	count *atomic.Int64
}

func (w countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w countingWriter) Write(b []byte) (int, error) {
	w.count.Add(1)
	return w.ResponseWriter.Write(b)
}

// TestHTTPMiddleware has a middleware of net/http around the server: it sees each
// request, may refuse it, change its headers and put its own ResponseWriter around
// that of the server, for WebSockets too.
func TestHTTPMiddleware(t *testing.T) {
	srv := newServer(t, socketio.Options{})
	headers := make(chan string, 100)
	srv.Of("/").OnConnect(func(_ context.Context, s *socketio.Socket) error {
		headers <- s.Handshake().Header.Get("X-User")
		return nil
	})
	socketio.OnAck(srv.Of("/"), "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
	var answers atomic.Int64
	clients := siotest.Listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := r.URL.Query().Get("user")
		if user == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		r.Header.Set("X-User", user)
		srv.ServeHTTP(countingWriter{w, &answers}, r)
	}))
	everyWay(t, func(t *testing.T, o siotest.Options) {
		clients := clients.For(t)
		if _, err := clients.TryOpen(o); err == nil {
			t.Error("let in without a name")
		}
		o.Query = "user=yeonwoo"
		c := clients.Open(o)
		c.Join("/", "")
		if got := next(t, headers); got != "yeonwoo" {
			t.Errorf("X-User is %q", got)
		}
		_ = c.Send(`21["echo","` + strings.Repeat("a", 2000) + `"]`)
		c.Want(`31["` + strings.Repeat("a", 2000) + `"]`)
	})
	if answers.Load() == 0 {
		t.Error("no answer was written through the middleware's writer")
	}
}
