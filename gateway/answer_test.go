package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/gateway/gatewaytest"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// failures has an event for each way to answer.
func failures(r *gateway.Router) {
	fails := map[string]error{
		"public":   gateway.Errorf("seat %d is taken", 7),
		"wrapped":  fmt.Errorf("reserve for 10.0.0.1: %w", gateway.Errorf("taken")),
		"cause":    &gateway.Error{Message: "taken", Err: errors.New("duplicate key")},
		"data":     &gateway.Error{Message: "taken", Data: []int{1, 2}},
		"payload":  &gateway.Error{Message: "taken", Payload: map[string]int{"code": 42}},
		"refusal":  &socketio.ConnectError{Message: "taken", Data: 1},
		"internal": errors.New("dial tcp 10.0.0.1: connection refused"),
		"gone":     fmt.Errorf("tell: %w", socketio.ErrDisconnected),
	}
	for event, err := range fails {
		gateway.On(r, event, func(context.Context, *socketio.Socket, any) error { return err })
	}
	gateway.On(r, "panic", func(context.Context, *socketio.Socket, any) error { panic("secret") })
	gateway.On(r, "nil panic", func(_ context.Context, _ *socketio.Socket, m map[string]int) error { m["a"] = 1; return nil })
	gateway.OnAck(r, "no JSON", func(context.Context, *socketio.Socket, any) (any, error) { return func() {}, nil })
	gateway.On(r, "no JSON in it", func(context.Context, *socketio.Socket, any) error {
		return &gateway.Error{Message: "taken", Data: func() {}}
	})
	gateway.OnAck(r, "value", func(context.Context, *socketio.Socket, any) (map[string]int, error) {
		return map[string]int{"a": 1}, nil
	})
	gateway.OnAck(r, "null", func(context.Context, *socketio.Socket, any) (*int, error) { return nil, nil })
	gateway.OnAck(r, "response", func(context.Context, *socketio.Socket, any) (gateway.Response, error) {
		return gateway.Response{Event: "seat", Data: 7}, nil
	})
	gateway.OnAck(r, "nil", func(context.Context, *socketio.Socket, any) (any, error) { return nil, nil })
	gateway.OnAck(r, "itself", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) (int, error) { return 2, e.Ack(1) })
	gateway.On(r, "itself, then fails", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
		return errors.Join(e.Ack(1), gateway.Errorf("late"))
	})
	gateway.OnAck(r, "end", func(context.Context, *socketio.Socket, any) (string, error) { return "end", nil })
}

func TestAnswers(t *testing.T) {
	const internal = `{"status":"error","message":"Internal server error"}`
	tests := []struct{ event, ack, sent string }{
		{"public", `{"status":"error","message":"seat 7 is taken"}`, "exception"},
		{"wrapped", `{"status":"error","message":"taken"}`, "exception"},
		{"cause", `{"status":"error","message":"taken"}`, "exception"},
		{"data", `{"status":"error","message":"taken","data":[1,2]}`, "exception"},
		{"payload", `{"code":42}`, "exception"},
		{"refusal", `{"status":"error","message":"taken","data":1}`, "exception"},
		{"internal", internal, "exception"},
		{"gone", internal, "exception"},
		{"panic", internal, "exception"},
		{"nil panic", internal, "exception"},
		{"no JSON", internal, "exception"},
		{"no JSON in it", internal, "exception"},
		{"value", `{"a":1}`, ""},
		{"null", `null`, ""},
		{"itself", `1`, ""},
	}
	c := join(t, failures)
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			want(t, c.Ask(tt.event), tt.ack)
			if tt.sent == "" {
				wantCame(t, c)
				return
			}
			wantCame(t, c, tt.sent+" "+tt.ack)
		})
	}
}

// TestNoAnswers has events that are not acknowledged, whether the client wants it or
// not: the next answer is that of the event after.
func TestNoAnswers(t *testing.T) {
	tests := []struct {
		event string
		sent  []string
	}{
		{"value", nil},
		{"nil", nil},
		{"unknown", nil},
		{"response", []string{"seat 7"}},
		{"public", []string{`exception {"status":"error","message":"seat 7 is taken"}`}},
		{"itself, then fails", []string{`exception {"status":"error","message":"late"}`}},
		{"no JSON in it", []string{`exception {"status":"error","message":"Internal server error"}`}},
	}
	c := join(t, failures)
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			c.Emit(tt.event)
			want(t, c.Ask("end"), `"end"`)
			wantCame(t, c, tt.sent...)
		})
	}
	for _, event := range []string{"nil", "unknown", "response"} {
		t.Run(event+", asked", func(t *testing.T) {
			answer := siotestAck(t, event)
			if len(answer) > 0 {
				t.Errorf("answers %v", answer)
			}
		})
	}
}

// siotestAck asks for an ack on the wire and returns those that come before the one
// of the event after.
func siotestAck(t *testing.T, event string) (acks []string) {
	srv := socketio.NewServer(socketio.Options{})
	t.Cleanup(func() { _ = srv.Close() })
	gateway.Register(srv.Of("/"), routes(failures), gateway.Options{})
	c := siotest.Pipe(t, srv).Join("/")
	_ = c.Send(`21["` + event + `"]`)
	_ = c.Send(`22["end"]`)
	for {
		switch text := c.Text(); {
		case text == `32["end"]`:
			return acks
		case text[0] == '3':
			acks = append(acks, text)
		}
	}
}

// TestEverybody has the same gateway for clients of each protocol over each
// transport on a real network.
func TestEverybody(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = srv.Close() })
	gateway.Register(srv.Of("/chat"), routes(func(r *gateway.Router) {
		failures(r)
		r.Use(gateway.Guard(func(_ context.Context, c *gateway.Call) error {
			if c.Socket.Handshake().Query.Get("token") == "" {
				return &gateway.Error{Message: "no token", Data: "who?"}
			}
			return nil
		}))
	}), gateway.Options{Logger: slog.New(slog.DiscardHandler)})
	clients := siotest.Listen(t, srv)
	for _, protocol := range []int{3, 4} {
		for _, polling := range []bool{false, true} {
			t.Run(fmt.Sprintf("protocol %d, polling %t", protocol, polling), func(t *testing.T) {
				c := clients.Open(siotest.Options{Protocol: protocol, Polling: polling, Query: "token=x"})
				c.Join("/chat", "")
				_ = c.Send(`2/chat,5["panic"]`)
				c.Want(`2/chat,["exception",{"status":"error","message":"Internal server error"}]`,
					`3/chat,5[{"status":"error","message":"Internal server error"}]`)
				_ = c.Send(`2/chat,6["value"]`)
				c.Want(`3/chat,6[{"a":1}]`)

				c = clients.Open(siotest.Options{Protocol: protocol, Polling: polling})
				refused := `4/chat,{"message":"no token","data":"who?"}`
				if protocol == 3 {
					c.Want("0")
					refused = `4/chat,"who?"`
				}
				_ = c.Send(`0/chat,`)
				c.Want(refused)
			})
		}
	}
}

// TestHooks has hooks that fail: the client is told of its connection's, and stays.
func TestHooks(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		fail       func() error
	}{
		{"public", `exception {"status":"error","message":"no seat"}`, func() error { return gateway.Errorf("no seat") }},
		{"payload", `exception {"code":42}`, func() error { return &gateway.Error{Message: "no seat", Payload: map[string]int{"code": 42}} }},
		{"internal", `exception {"status":"error","message":"Internal server error"}`, func() error { return errors.New("secret") }},
		{"panic", `exception {"status":"error","message":"Internal server error"}`, func() error { panic("secret") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var j journal
			srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
				failures(r)
				r.Use(j.around("chain"))
				r.OnConnection(func(context.Context, *socketio.Socket) error { return tt.fail() })
				r.OnConnection(func(context.Context, *socketio.Socket) error { j.add("not called"); return nil })
				r.OnDisconnection(func(context.Context, *socketio.Socket, socketio.Reason) error { return tt.fail() })
				r.OnDisconnection(func(context.Context, *socketio.Socket, socketio.Reason) error { j.add("called"); return nil })
			}))
			c := srv.Join(gatewaytest.Options{})
			want(t, c.Next(), tt.want)
			want(t, c.Ask("end"), `"end"`)
			srv.Close()
			err := "gateway: handler panicked"
			if tt.name != "panic" {
				err = tt.fail().Error()
			}
			j.want(t, "chain: connect connect", "chain: end of connect: <nil> "+err,
				"chain: event end", "chain: end of end: end <nil>",
				"chain: disconnect disconnect", "called", "chain: end of disconnect: <nil> "+err)
		})
	}
}

// TestInterceptorPanics has the chain itself fail.
func TestInterceptorPanics(t *testing.T) {
	c := join(t, func(r *gateway.Router) {
		failures(r)
		r.Use(func(next gateway.Handler) gateway.Handler {
			return func(ctx context.Context, c *gateway.Call) (any, error) {
				result, err := next(ctx, c)
				if c.Name() == "value" {
					panic("secret")
				}
				return result, err
			}
		})
	})
	want(t, c.Ask("value"), `{"status":"error","message":"Internal server error"}`)
	want(t, c.Ask("end"), `"end"`)
}

// TestOrder has a slow handler: the next event of its client waits, those of others
// do not.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
			gateway.On(r, "wait", func(_ context.Context, _ *socketio.Socket, d time.Duration) error {
				j.add("%v begins", d)
				time.Sleep(d)
				j.add("%v ends", d)
				return nil
			})
		}))
		a, b := srv.Join(gatewaytest.Options{}), srv.Join(gatewaytest.Options{})
		a.Emit("wait", 5*time.Second)
		a.Emit("wait", 1*time.Second)
		synctest.Wait()
		b.Emit("wait", 2*time.Second)
		time.Sleep(10 * time.Second)
		j.want(t, "5s begins", "2s begins", "2s ends", "5s ends", "1s begins", "1s ends")
	})
}

// TestLog looks at who is told what: clients nothing of the inside, the log no
// failure that is none of the server's.
func TestLog(t *testing.T) {
	tests := []struct {
		event string
		level string // of the line, "" for no line above debug
		want  []string
	}{
		{"public", "", nil},
		{"cause", "", nil},
		{"gone", "", nil},
		{"value", "", nil},
		{"internal", "level=ERROR", []string{`msg="handler failed" namespace=/ socket=`, `call=internal error="dial tcp`}},
		{"panic", "level=ERROR", []string{`msg="handler panicked"`, `call=panic panic=secret stack=`, "answer_test.go"}},
		{"no JSON", "level=ERROR", []string{`call="no JSON"`}},
		{"no JSON in it", "level=ERROR", []string{`call="no JSON in it"`}},
		{"leave", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			var log lockedBuffer
			srv := socketio.NewServer(socketio.Options{Logger: slog.New(slog.DiscardHandler)})
			gateway.Register(srv.Of("/"), routes(func(r *gateway.Router) {
				failures(r)
				gateway.On(r, "leave", func(ctx context.Context, s *socketio.Socket, _ any) error {
					s.Disconnect(false)
					return ctx.Err()
				})
			}), gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			c := siotest.Pipe(t, srv).Join("/")
			_ = c.Send(`21["` + tt.event + `"]`)
			if tt.event == "leave" {
				c.Want("1")
			} else {
				_ = c.Send(`22["end"]`)
				for c.Text() != `32["end"]` {
				}
			}
			if err := srv.Close(); err != nil {
				t.Fatal(err)
			}
			text := log.String()
			if lines := strings.Count(text, "level="); tt.level == "" && lines > 0 || tt.level != "" && lines != 1 {
				t.Fatalf("log: %s", text)
			}
			for _, part := range append(tt.want, tt.level) {
				if !strings.Contains(text, part) {
					t.Errorf("log lacks %s: %s", part, text)
				}
			}
		})
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestNamespaceBeside has plain handlers on the gateway's namespace: they are inside
// of its chain.
func TestNamespaceBeside(t *testing.T) {
	var j journal
	srv := gatewaytest.New(t, routes(func(r *gateway.Router) { r.Use(j.around("chain")) }))
	ns := srv.Namespace()
	ns.OnConnect(func(context.Context, *socketio.Socket) error { j.add("joined"); return nil })
	socketio.On(ns, "plain", func(context.Context, *socketio.Socket, int) error { return errors.New("secret") })
	c := srv.Join(gatewaytest.Options{})
	want(t, c.Ask("plain", "x"), `{"status":"error","message":"payload must be a whole number"}`)
	want(t, c.Ask("plain", 1), `{"status":"error","message":"Internal server error"}`)
	j.want(t, "chain: connect connect", "joined", "chain: end of connect: <nil> <nil>",
		"chain: event plain", "chain: end of plain: <nil> socketio: argument 1: packet: decode argument: json: cannot unmarshal string into Go value of type int",
		"chain: event plain", "chain: end of plain: <nil> secret")
}

func TestTwoHandlers(t *testing.T) {
	defer func() {
		if v := recover(); v != `gateway: event "a" has two handlers` {
			t.Errorf("panic %v", v)
		}
	}()
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()
	gateway.Register(srv.Of("/"), routes(func(r *gateway.Router) {
		gateway.On(r, "a", func(context.Context, *socketio.Socket, any) error { return nil })
		gateway.On(r, "a", func(context.Context, *socketio.Socket, any) error { return nil })
	}), gateway.Options{})
}
