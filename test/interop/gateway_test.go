package interop

import (
	"context"
	"log/slog"
	"testing"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

// TestGateway runs the cases of gateways.
func TestGateway(t *testing.T) {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := socketio.NewServer(socketio.Options{Logger: log})
	gateway.Register(srv.Of("/gateway"), counter{}, gateway.Options{Logger: log})
	runGroup(t, "gateway", serveHTTP(t, srv), 9)
}

// A counter is the gateway of cases/gateway.js.
type counter struct{}

type amount struct {
	N int `json:"n"`
}

func (a amount) Validate() error {
	var p gateway.Problems
	if a.N < 0 {
		p.Add("n", "must not be negative")
	}
	return p.Err()
}

func (counter) Routes(r *gateway.Router) {
	r.Use(gateway.Guard(func(_ context.Context, c *gateway.Call) error {
		if c.Kind == gateway.Connect && c.Socket.Handshake().Query.Has("refuse") {
			return &gateway.Error{Message: "not you", Data: map[string]int{"code": 7}}
		}
		return nil
	}))
	gateway.OnAck(r, "double", func(_ context.Context, _ *socketio.Socket, a amount) (int, error) { return 2 * a.N, nil })
	gateway.OnAck(r, "subscribe", func(_ context.Context, _ *socketio.Socket, topic string) (gateway.Response, error) {
		return gateway.Response{Event: "news", Data: map[string]string{"about": topic}}, nil
	})
	gateway.On(r, "fail", func(context.Context, *socketio.Socket, socketio.Args) error {
		return gateway.Errorf("자리가 없습니다")
	})
	gateway.On(r, "panic", func(context.Context, *socketio.Socket, socketio.Args) error { panic("the seat is on fire") })
	gateway.On(r, "guarded", func(context.Context, *socketio.Socket, socketio.Args) error { return nil },
		gateway.Guard(func(context.Context, *gateway.Call) error { return gateway.ErrForbidden }))
}
