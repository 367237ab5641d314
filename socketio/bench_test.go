package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// BenchmarkBroadcast sends an event to 1,000 sockets on the loopback, which take it.
// One operation is one broadcast; the clients' part is in the figures.
func BenchmarkBroadcast(b *testing.B) {
	const sockets, inFlight = 1000, 64
	srv, clients := serve(b, socketio.Options{})
	ns := srv.Of("/chat")
	taken := make(chan bool, sockets)
	for range sockets {
		c := clients.Join("/chat")
		go func() {
			for n := 1; ; n++ {
				if _, err := c.Read(); err != nil {
					return
				}
				if n%inFlight == 0 {
					taken <- true
				}
			}
		}()
	}
	m := message{Name: "연우", Text: strings.Repeat("안녕 ", 10)}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := ns.Emit("msgToClient", m); err != nil {
			b.Fatal(err)
		}
		if n++; n%inFlight == 0 {
			for range sockets {
				next(b, taken)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sockets, "ns/delivery")
}

// BenchmarkEcho is one event, its handler and its acknowledgement, over the
// loopback; the client's part is in the figures.
func BenchmarkEcho(b *testing.B) {
	for _, inFlight := range []int{1, 100} {
		b.Run(fmt.Sprint(inFlight, " in flight"), func(b *testing.B) {
			srv, clients := serve(b, socketio.Options{})
			socketio.OnAck(srv.Of("/"), "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) {
				return v, nil
			})
			c := clients.Join("/")
			const packet = `21["echo",{"name":"연우","text":"안녕하세요"}]`
			for range inFlight - 1 {
				_ = c.Send(packet)
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = c.Send(packet)
				c.Text()
			}
			for range inFlight - 1 {
				c.Text()
			}
		})
	}
}

// BenchmarkConnect is a connection over WebSocket that joins and goes.
func BenchmarkConnect(b *testing.B) {
	_, clients := serve(b, socketio.Options{})
	b.ReportAllocs()
	for b.Loop() {
		c := clients.Open(siotest.Options{})
		c.Join("/", "")
		c.Close()
	}
}
