// Chat is a chat in 40 lines: those who are there hear who comes, what is said, and
// who leaves.
//
//	go run ./examples/chat
//
// And in Node's socket.io-client:
//
//	const socket = io("http://localhost:3000/chat", { auth: { name: "minsu" } });
//	socket.onAny(console.log);                   // "joined" "minsu", "said" { name: "minsu", text: "hello" }, …
//	socket.emit("say", "hello");
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"

	"github.com/damso/damso/socketio"
)

func main() {
	http.Handle("/socket.io/", newServer())
	log.Fatal(http.ListenAndServe("localhost:3000", nil))
}

func newServer() *socketio.Server {
	srv := socketio.NewServer(socketio.Options{})
	chat := srv.Of("/chat")
	chat.Use(func(_ context.Context, s *socketio.Socket) error {
		var who struct{ Name string }
		if err := json.Unmarshal(s.Handshake().Auth, &who); err != nil || who.Name == "" {
			return &socketio.ConnectError{Message: "who are you?"}
		}
		s.SetData(who.Name)
		return nil
	})
	chat.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		return chat.Emit("joined", s.Data())
	})
	chat.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) {
		_ = chat.Emit("left", s.Data())
	})
	socketio.On(chat, "say", func(_ context.Context, s *socketio.Socket, text string) error {
		return chat.Emit("said", map[string]any{"name": s.Data(), "text": text})
	})
	return srv
}
