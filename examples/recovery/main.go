// Recovery shows connection state recovery: a ticker counts for every client by itself,
// and who loses the connection for a while gets what was missed, in order, each number
// once.
//
//	go run ./examples/recovery
//
// And in Node's socket.io-client, 4.6 or later:
//
//	const socket = io("http://localhost:3000");
//	socket.on("connect", () => console.log(socket.id, "recovered:", socket.recovered));
//	socket.on("tick", (n) => console.log(n));
//	setTimeout(() => socket.io.engine.close(), 5000); // the connection is lost
package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/damso/damso/socketio"
)

func main() {
	srv := newServer()
	go tick(context.Background(), srv, time.Second)
	http.Handle("/socket.io/", srv)
	log.Fatal(http.ListenAndServe("localhost:3000", nil))
}

func newServer() *socketio.Server {
	srv := socketio.NewServer(socketio.Options{
		Recovery: &socketio.Recovery{MaxDisconnection: time.Minute},
	})
	srv.Of("/").OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if s.Recovered() { // same id, rooms and data as before
			return nil
		}
		s.Join("ticks")
		return s.Emit("welcome")
	})
	return srv
}

// tick counts until ctx ends.
func tick(ctx context.Context, srv *socketio.Server, every time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for n := 1; ctx.Err() == nil; n++ {
		select {
		case <-ticks.C:
			_ = srv.Of("/").To("ticks").Emit("tick", n)
		case <-ctx.Done():
		}
	}
}
