// Acks shows questions and answers, in all directions: a client asks the server, the
// server asks a client, and the server asks everybody.
//
//	go run ./examples/acks
//
// And in Node's socket.io-client:
//
//	const socket = io("http://localhost:3000");
//	socket.on("name?", (answer) => answer("minsu"));
//	socket.on("lunch?", (answer) => answer("noodles"));
//	await socket.emitWithAck("add", [1, 2, 3]);  // 6
//	await socket.emitWithAck("greet");           // "hello, minsu"
//	await socket.emitWithAck("lunch");           // { votes: { noodles: 1 }, silent: 0 }
package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/damso/damso/socketio"
)

func main() {
	http.Handle("/socket.io/", newServer(5*time.Second))
	log.Fatal(http.ListenAndServe("localhost:3000", nil))
}

// newServer returns a server that waits so long for answers.
func newServer(patience time.Duration) *socketio.Server {
	srv := socketio.NewServer(socketio.Options{})
	ns := srv.Of("/")
	socketio.OnAck(ns, "add", add)
	socketio.OnAck(ns, "greet", func(ctx context.Context, s *socketio.Socket, _ socketio.Args) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		name := "stranger"
		if answer, err := s.EmitWithAck(ctx, "name?"); err == nil {
			err = answer.Decode(&name)
			return "hello, " + name, err
		}
		return "hello, " + name, nil
	})
	socketio.OnAck(ns, "lunch", func(ctx context.Context, _ *socketio.Socket, _ socketio.Args) (poll, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return count(ns.EmitWithAck(ctx, "lunch?"))
	})
	return srv
}
