package socketio_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen before it gives up.
const patience = 20 * time.Second

// newServer returns a server that ends with the test, and is silent unless told
// otherwise.
func newServer(t testing.TB, opts socketio.Options) *socketio.Server {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	srv := socketio.NewServer(opts)
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return srv
}

// serve returns a server on the loopback, and where clients connect to it.
func serve(t testing.TB, opts socketio.Options) (*socketio.Server, *siotest.Server) {
	srv := newServer(t, opts)
	return srv, siotest.Listen(t, srv)
}

// bubble runs a test in which time is not real, with a server in memory.
func bubble(t *testing.T, opts socketio.Options, f func(t *testing.T, srv *socketio.Server, clients *siotest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t, opts)
		f(t, srv, siotest.Pipe(t, srv))
	})
}

// everyWay runs a test with each protocol over each transport.
func everyWay(t *testing.T, f func(t *testing.T, o siotest.Options)) {
	for _, protocol := range []int{3, 4} {
		for _, polling := range []bool{false, true} {
			name := fmt.Sprintf("protocol %d, websocket", protocol)
			if polling {
				name = fmt.Sprintf("protocol %d, polling", protocol)
			}
			t.Run(name, func(t *testing.T) {
				f(t, siotest.Options{Protocol: protocol, Polling: polling})
			})
		}
	}
}

// next returns what comes over a channel next.
func next[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing came within %v", patience)
		panic("unreachable")
	}
}

// nothing fails the test if something has come over a channel.
func nothing[T any](t testing.TB, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		t.Errorf("came: %v", v)
	default:
	}
}

// empty waits until nobody is in a namespace any more.
func empty(t testing.TB, ns *socketio.Namespace) {
	t.Helper()
	for deadline := time.Now().Add(patience); ns.Sockets() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets are left in %s", ns.Sockets(), ns.Name())
		}
	}
}

// A journal notes what handlers did, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string{}, j.lines...)
}

// gone makes a channel with the reasons for which sockets of a namespace were
// disconnected.
func gone(ns *socketio.Namespace) <-chan socketio.Reason {
	c := make(chan socketio.Reason, 4096)
	ns.OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.Reason) { c <- reason })
	return c
}

// joined makes a channel with the sockets that join a namespace.
func joined(ns *socketio.Namespace) <-chan *socketio.Socket {
	c := make(chan *socketio.Socket, 4096)
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		c <- s
		return nil
	})
	return c
}
