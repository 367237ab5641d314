// Rooms shows how clients are grouped: they join and leave rooms by their own wish, and
// what is said in a room is heard there only.
//
//	go run ./examples/rooms
//
// And in Node's socket.io-client:
//
//	const socket = io("http://localhost:3000");
//	socket.onAny(console.log);
//	await socket.emitWithAck("join", "music");   // ["music"], the rooms it is in now
//	socket.emit("say", { room: "music", text: "hello" });
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/damso/damso/socketio"
)

func main() {
	http.Handle("/socket.io/", newServer())
	log.Fatal(http.ListenAndServe("localhost:3000", nil))
}

type said struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

func newServer() *socketio.Server {
	srv := socketio.NewServer(socketio.Options{})
	ns := srv.Of("/")
	socketio.OnAck(ns, "join", func(_ context.Context, s *socketio.Socket, room string) ([]string, error) {
		s.Join(room)
		return s.Rooms()[1:], s.To(room).Emit("joined", room, s.ID()) // the first is the socket's own id
	})
	socketio.OnAck(ns, "leave", func(_ context.Context, s *socketio.Socket, room string) ([]string, error) {
		s.Leave(room)
		return s.Rooms()[1:], ns.To(room).Emit("left", room, s.ID())
	})
	socketio.On(ns, "say", func(_ context.Context, s *socketio.Socket, m said) error {
		return s.To(m.Room).Emit("said", m) // to the others: Namespace.To would include the sender
	})
	ns.OnDisconnecting(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) {
		for _, room := range s.Rooms()[1:] { // it is still in them
			_ = s.To(room).Emit("left", room, s.ID())
		}
	})
	return srv
}
