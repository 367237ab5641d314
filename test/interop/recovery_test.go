package interop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// TestRecovery sends numbers in every way there is to a client that loses its
// connection again and again: it gets each once, in order, and stays one socket.
func TestRecovery(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			recovers(t, transport, socketio.Options{})
		})
		t.Run(transport+", MessagePack", func(t *testing.T) {
			t.Parallel()
			recovers(t, transport, socketio.Options{Parser: socketio.MessagePack}, "DAMSO_PARSER=socket.io-msgpack-parser")
		})
	}
}

func recovers(t *testing.T, transport string, opts socketio.Options, env ...string) {
	// The client may not notice a loss in the middle of an upgrade but by this.
	opts.Engine = engineio.Options{PingInterval: 500 * time.Millisecond, PingTimeout: 2 * time.Second}
	opts.Recovery = &socketio.Recovery{}
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := socketio.NewServer(opts)
	ns, first := srv.Of("/"), make(chan *socketio.Socket, 1)
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if !s.Recovered() {
			s.Join("room")
			first <- s
		}
		return nil
	})
	at := serveHTTP(t, srv)
	p := testkit.Node(t, testkit.Script{Path: "recovery.js", Args: []string{transport, at, "20"}, Env: env})
	checkRecovery(t, p, <-first)
}

// said is a line of recovery.js.
type said struct {
	N         int
	Bytes     string
	Connect   string
	Recovered bool
	Over      bool
	Question  int
}

func checkRecovery(t *testing.T, p *testkit.Process, s *socketio.Socket) {
	over, last := make(chan struct{}), make(chan int, 1)
	go func() {
		asked := make(chan struct{})
		go askNumbers(t, s, over, asked)
		n := emitNumbers(t, s, over)
		<-asked
		last <- n
	}()
	defer func() {
		if over != nil {
			close(over)
			<-last
		}
	}()
	connects, want, end := 0, 1, 0
	for want-1 != end || end == 0 {
		var v said
		p.Expect(&v)
		switch {
		case v.Question > 0: // may come twice
		case v.Over:
			close(over)
			over = nil
			end = <-last
		case v.Connect != "":
			if connects++; v.Connect != s.ID() || v.Recovered != (connects > 1) {
				t.Fatalf("connected as %s, recovered %v, the %d. time; was %s", v.Connect, v.Recovered, connects, s.ID())
			}
		case v.N != want || v.Bytes != numberBytes(want):
			t.Fatalf("got number %d with %q, want %d with %q", v.N, v.Bytes, want, numberBytes(want))
		default:
			want++
		}
	}
	if connects != 21 {
		t.Errorf("%d connections, want 21", connects)
	}
}

// emitNumbers counts until over, and returns the last number.
func emitNumbers(t *testing.T, s *socketio.Socket, over <-chan struct{}) int {
	ns, ticks := s.Namespace(), time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for n := 1; ; n++ {
		args := []any{n}
		if b := numberBytes(n); b != "" {
			args = append(args, []byte(b))
		}
		emit := []func(string, ...any) error{
			s.Emit, ns.Emit, ns.To("room").Emit, ns.To("room", s.ID()).Except("x").Emit,
		}[rand.N(4)]
		if err := emit("number", args...); err != nil {
			t.Errorf("emit %d: %v", n, err)
		}
		_ = ns.To("elsewhere").Emit("number", -n)
		_ = ns.Volatile().Emit("volatile", "a text that is no offset")
		select {
		case <-over:
			return n
		case <-ticks.C:
		}
	}
}

// askNumbers asks for numbers until over.
func askNumbers(t *testing.T, s *socketio.Socket, over <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	for n := 1; ; n++ {
		var answer int
		args, err := s.EmitWithAck(t.Context(), "question", n)
		if err == nil {
			err = args.Decode(&answer)
		}
		select {
		case <-over:
			return
		default:
		}
		if err != nil || answer != n {
			t.Errorf("answer to question %d: %d, %v", n, answer, err)
			return
		}
	}
}

// numberBytes is what some numbers have with them.
func numberBytes(n int) string {
	if n%5 == 0 {
		return "bytes of " + strconv.Itoa(n)
	}
	return ""
}
