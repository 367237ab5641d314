// Echo sends back what it gets: the smallest server there is.
//
//	go run ./examples/echo
//
// And in Node's socket.io-client:
//
//	const socket = io("http://localhost:3000");
//	socket.on("echo", console.log);              // { text: "hello", picture: … }
//	socket.emit("echo", { text: "hello", picture: new Uint8Array([1, 2, 3]) });
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

func newServer() *socketio.Server {
	srv := socketio.NewServer(socketio.Options{})
	// Raw passes on what came as it came, binary parts included.
	socketio.On(srv.Of("/"), "echo", func(_ context.Context, s *socketio.Socket, what socketio.Raw) error {
		return s.Emit("echo", what)
	})
	return srv
}
