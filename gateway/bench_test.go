package gateway_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// An echoGateway answers with what it was asked.
type echoGateway struct{}

func (echoGateway) Routes(r *gateway.Router) {
	gateway.OnAck(r, "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
}

// BenchmarkEcho is that of package socketio, through a gateway.
func BenchmarkEcho(b *testing.B) {
	srv := socketio.NewServer(socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	gateway.Register(srv.Of("/"), echoGateway{}, gateway.Options{})
	clients := siotest.Listen(b, srv)
	b.Cleanup(func() { _ = srv.Close() })
	c := clients.Join("/")
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Send(`21["echo",{"name":"연우","text":"안녕하세요"}]`)
		c.Text()
	}
}
