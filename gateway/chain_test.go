package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/gateway/gatewaytest"
	"github.com/damso/damso/socketio"
)

// A journal is what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, lines) {
		t.Errorf("happened:\n%q\nwant:\n%q", j.lines, lines)
	}
}

// around notes when a call goes through it.
func (j *journal) around(name string) gateway.Interceptor {
	return func(next gateway.Handler) gateway.Handler {
		return func(ctx context.Context, c *gateway.Call) (any, error) {
			j.add("%s: %s %s", name, c.Kind, c.Name())
			result, err := next(ctx, c)
			j.add("%s: end of %s: %v %v", name, c.Name(), result, err)
			return result, err
		}
	}
}

// TestChain follows a client through the chain, from its coming to its leaving.
func TestChain(t *testing.T) {
	var j journal
	gone := make(chan struct{})
	srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
		r.Use(j.around("a"), j.around("b"))
		r.AfterInit(func(ns *socketio.Namespace) { j.add("init of %t", ns == r.Namespace()) })
		r.OnConnection(func(_ context.Context, s *socketio.Socket) error {
			j.add("connection: %t", s.Connected())
			return nil
		})
		r.OnDisconnection(func(_ context.Context, _ *socketio.Socket, reason socketio.Reason) error {
			j.add("disconnection: %s", reason)
			close(gone)
			return nil
		})
		gateway.OnAck(r, "sum", func(_ context.Context, _ *socketio.Socket, n []int) (int, error) {
			j.add("handler")
			return n[0] + n[1], nil
		}, j.around("own"), j.around("innermost"))
	}))
	c := srv.Join(gatewaytest.Options{})
	want(t, c.Ask("sum", []int{1, 2}), "3")
	c.Emit("unknown")
	c.Ask("sum", []int{2, 2})
	c.Leave()
	<-gone
	srv.Close()
	sum := func(result string) []string {
		return []string{
			"a: event sum", "b: event sum", "own: event sum", "innermost: event sum", "handler",
			"innermost: end of sum: " + result + " <nil>", "own: end of sum: " + result + " <nil>",
			"b: end of sum: " + result + " <nil>", "a: end of sum: " + result + " <nil>",
		}
	}
	j.want(t, slices.Concat([]string{
		"init of true",
		"a: connect connect", "b: connect connect", "connection: true",
		"b: end of connect: <nil> <nil>", "a: end of connect: <nil> <nil>",
	}, sum("3"), []string{
		"a: event unknown", "b: event unknown", "b: end of unknown: <nil> <nil>", "a: end of unknown: <nil> <nil>",
	}, sum("4"), []string{
		"a: disconnect disconnect", "b: disconnect disconnect", "disconnection: client namespace disconnect",
		"b: end of disconnect: <nil> <nil>", "a: end of disconnect: <nil> <nil>",
	})...)
}

type userKey struct{}

// TestContext lets an interceptor hand something on to hooks and handlers.
func TestContext(t *testing.T) {
	var j journal
	srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
		r.Use(func(next gateway.Handler) gateway.Handler {
			return func(ctx context.Context, c *gateway.Call) (any, error) {
				return next(context.WithValue(ctx, userKey{}, c.Socket.Handshake().Query.Get("user")), c)
			}
		})
		r.OnConnection(func(ctx context.Context, _ *socketio.Socket) error {
			j.add("%v came", ctx.Value(userKey{}))
			return nil
		})
		r.OnDisconnection(func(ctx context.Context, _ *socketio.Socket, _ socketio.Reason) error {
			j.add("%v left, %v", ctx.Value(userKey{}), ctx.Err())
			return nil
		})
		gateway.OnAck(r, "who", func(ctx context.Context, _ *socketio.Socket, _ any) (any, error) { return ctx.Value(userKey{}), nil })
	}))
	c := srv.Join(gatewaytest.Options{Query: map[string][]string{"user": {"minsu"}}})
	want(t, c.Ask("who"), `"minsu"`)
	srv.Close()
	j.want(t, "minsu came", "minsu left, <nil>")
}

// TestResult lets an interceptor see and change what a handler returns.
func TestResult(t *testing.T) {
	c := join(t, func(r *gateway.Router) {
		r.Use(func(next gateway.Handler) gateway.Handler {
			return func(ctx context.Context, c *gateway.Call) (any, error) {
				result, err := next(ctx, c)
				if c.Kind != gateway.Event || err != nil {
					return result, err
				}
				return map[string]any{"data": result}, nil
			}
		})
		gateway.OnAck(r, "value", func(context.Context, *socketio.Socket, any) (int, error) { return 1, nil })
		gateway.On(r, "nothing", func(context.Context, *socketio.Socket, any) error { return nil })
		gateway.On(r, "error", func(context.Context, *socketio.Socket, any) error { return gateway.Errorf("no") })
	})
	want(t, c.Ask("value"), `{"data":1}`)
	want(t, c.Ask("nothing"), `{"data":null}`)
	want(t, c.Ask("error"), `{"status":"error","message":"no"}`)
}

// TestGuard refuses clients and events, and nobody's leaving.
func TestGuard(t *testing.T) {
	var j journal
	srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
		r.Use(gateway.Guard(func(_ context.Context, c *gateway.Call) error {
			j.add("asked on %s", c.Name())
			switch c.Socket.Handshake().Header.Get("Token") {
			case "good":
				return nil
			case "old":
				return &gateway.Error{Message: "token expired", Data: map[string]string{"code": "expired"}}
			case "payload":
				return &gateway.Error{Message: "token expired", Payload: 7}
			case "connect":
				return &socketio.ConnectError{Message: "refused", Data: 1}
			case "internal":
				return errors.New("dial tcp 10.0.0.1: connection refused")
			case "panic":
				panic("secret")
			}
			return gateway.ErrForbidden
		}))
		r.OnDisconnection(func(context.Context, *socketio.Socket, socketio.Reason) error { j.add("left"); return nil })
		gateway.OnAck(r, "free", func(context.Context, *socketio.Socket, any) (bool, error) { return true, nil })
		gateway.OnAck(r, "admin", func(context.Context, *socketio.Socket, any) (bool, error) { return true, nil },
			gateway.Guard(func(context.Context, *gateway.Call) error { return gateway.ErrForbidden }))
	}))
	tests := []struct{ token, want string }{
		{"none", "Forbidden resource <nil>"},
		{"old", `token expired {"code":"expired"}`},
		{"payload", `token expired 7`},
		{"connect", `refused 1`},
		{"internal", "Internal server error <nil>"},
		{"panic", "Internal server error <nil>"},
	}
	for _, tt := range tests {
		_, err := srv.TryJoin(gatewaytest.Options{Header: http.Header{"Token": {tt.token}}})
		refused, ok := errors.AsType[*socketio.ConnectError](err)
		if !ok {
			t.Fatalf("%s: error %v", tt.token, err)
		}
		data := "<nil>"
		if refused.Data != nil {
			data = fmt.Sprintf("%s", refused.Data)
		}
		if got := refused.Message + " " + data; got != tt.want {
			t.Errorf("%s: refused with %s, want %s", tt.token, got, tt.want)
		}
	}
	j.lines = nil
	c := srv.Join(gatewaytest.Options{Header: http.Header{"Token": {"good"}}})
	want(t, c.Ask("free"), "true")
	want(t, c.Ask("admin"), `{"status":"error","message":"Forbidden resource"}`)
	wantCame(t, c, `exception {"status":"error","message":"Forbidden resource"}`)
	srv.Close()
	j.want(t, "asked on connect", "asked on free", "asked on admin", "left")
}

// TestNotLetIn has an interceptor that says nothing against a client but does not
// let it in.
func TestNotLetIn(t *testing.T) {
	srv := gatewaytest.New(t, routes(func(r *gateway.Router) {
		r.Use(func(gateway.Handler) gateway.Handler {
			return func(context.Context, *gateway.Call) (any, error) { return nil, nil }
		})
	}))
	if _, err := srv.TryJoin(gatewaytest.Options{}); err == nil || err.Error() != "Internal server error" {
		t.Errorf("error %v", err)
	}
}

type missing struct{ key string }

func (e *missing) Error() string { return "no row for key " + e.key }

// TestCatch filters errors by their type, the innermost filter first.
func TestCatch(t *testing.T) {
	var j journal
	dealt := gateway.Catch(func(_ context.Context, c *gateway.Call, err error) error {
		j.add("%s: %v", c.Name(), err)
		return nil
	})
	c := join(t, func(r *gateway.Router) {
		r.Use(gateway.Catch(func(_ context.Context, _ *gateway.Call, err *missing) error {
			return &gateway.Error{Message: "not found", Err: err}
		}))
		fail := func(_ context.Context, _ *socketio.Socket, err string) error {
			if err == "missing" {
				return fmt.Errorf("read: %w", &missing{"k"})
			}
			return errors.New(err)
		}
		gateway.On(r, "filtered", fail)
		gateway.OnAck(r, "dealt", func(ctx context.Context, s *socketio.Socket, err string) (int, error) { return 7, fail(ctx, s, err) }, dealt)
		gateway.On(r, "twice", fail, gateway.Catch(func(context.Context, *gateway.Call, error) error { return &missing{"x"} }))
	})
	want(t, c.Ask("filtered", "missing"), `{"status":"error","message":"not found"}`)
	want(t, c.Ask("filtered", "else"), `{"status":"error","message":"Internal server error"}`)
	want(t, c.Ask("twice", "else"), `{"status":"error","message":"not found"}`)
	c.Emit("dealt", "missing")
	want(t, c.Ask("filtered", "missing"), `{"status":"error","message":"not found"}`)
	wantCame(t, c, `exception {"status":"error","message":"not found"}`, `exception {"status":"error","message":"Internal server error"}`,
		`exception {"status":"error","message":"not found"}`, `exception {"status":"error","message":"not found"}`)
	j.want(t, "dealt: read: no row for key k")
}

// TestInterceptorAlone calls an interceptor with a call of the test's own.
func TestInterceptorAlone(t *testing.T) {
	guard := gateway.Guard(func(_ context.Context, c *gateway.Call) error {
		if c.Name() == "admin" {
			return gateway.ErrForbidden
		}
		return nil
	})
	h := guard(func(context.Context, *gateway.Call) (any, error) { return "ok", nil })
	tests := []struct {
		call   gateway.Call
		result any
		err    error
	}{
		{gateway.Call{Kind: gateway.Connect}, "ok", nil},
		{gateway.Call{Kind: gateway.Event, Event: &socketio.Event{Name: "free"}}, "ok", nil},
		{gateway.Call{Kind: gateway.Event, Event: &socketio.Event{Name: "admin"}}, nil, gateway.ErrForbidden},
		{gateway.Call{Kind: gateway.Disconnect}, "ok", nil},
	}
	for _, tt := range tests {
		if result, err := h(t.Context(), &tt.call); result != tt.result || err != tt.err {
			t.Errorf("%s: %v, %v; want %v, %v", tt.call.Name(), result, err, tt.result, tt.err)
		}
	}
}
