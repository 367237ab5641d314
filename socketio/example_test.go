package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/socketio"
)

// A chat: what a client says goes to all clients of the namespace.
func Example() {
	type Message struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	chat := srv.Of("/chat")
	chat.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		return chat.Emit("msgToClient", Message{Name: "admin", Text: "join chat."})
	})
	socketio.On(chat, "msgToServer", func(ctx context.Context, s *socketio.Socket, m Message) error {
		return chat.Emit("msgToClient", m)
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	// log.Fatal(http.ListenAndServe(":3000", mux))

	fmt.Println(chat.Name(), chat.Sockets())
	// Output: /chat 0
}

// What a handler returns is the acknowledgement.
func ExampleOnAck() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	socketio.OnAck(srv.Of("/"), "add", func(ctx context.Context, s *socketio.Socket, numbers []int) (int, error) {
		sum := 0
		for _, n := range numbers {
			sum += n
		}
		return sum, nil
	})
	// In a browser: const sum = await socket.emitWithAck("add", [1, 2, 3])
}

// An event with several arguments.
func ExampleArgs() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	socketio.On(srv.Of("/"), "move", func(ctx context.Context, s *socketio.Socket, args socketio.Args) error {
		var piece string
		var from, to int
		if err := args.Decode(&piece, &from, &to); err != nil {
			return err
		}
		return s.Broadcast().Emit("moved", piece, from, to)
	})
	// In a browser: socket.emit("move", "knight", 1, 18)
}

// Rooms are made by joining them, and go with the last socket.
func ExampleSocket_Join() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	ns := srv.Of("/")
	socketio.OnAck(ns, "enter", func(ctx context.Context, s *socketio.Socket, room string) (string, error) {
		s.Join(room)
		return "welcome to " + room, s.To(room).Emit("entered", s.ID()) // all there but s itself
	})
	socketio.On(ns, "say", func(ctx context.Context, s *socketio.Socket, text socketio.Raw) error {
		rooms := s.Rooms()[1:] // the first one is its own id
		if len(rooms) == 0 {
			return nil
		}
		return ns.To(rooms...).Except("muted").Emit("said", text)
	})
}

// A middleware lets only those in who show that they may.
func ExampleNamespace_Use() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	srv.Of("/").Use(func(ctx context.Context, s *socketio.Socket) error {
		if s.Handshake().Query.Get("token") != "let me in" {
			return &socketio.ConnectError{Message: "not authorized", Data: map[string]int{"code": 401}}
		}
		return nil
	})
}

// The server asks a client, and does not wait for ever.
func ExampleSocket_EmitWithAck() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	srv.Of("/").OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		answer, err := s.EmitWithAck(ctx, "which language?")
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		var language string
		if err := answer.Decode(&language); err != nil {
			return err
		}
		s.SetData(language)
		return nil
	})
}

// All errors of handlers have one way out.
func ExampleNamespace_OnError() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	srv.Of("/").OnError(func(ctx context.Context, s *socketio.Socket, e *socketio.Event, err error) {
		bad := (*socketio.ArgumentError)(nil)
		switch {
		case e != nil && errors.As(err, &bad):
			_ = e.Ack(map[string]string{"error": "malformed arguments"})
		default:
			log.Print(err)
		}
	})
}

// With an adapter the same runs on several nodes: here two in one process, else
// with adapter/redis.
func Example_cluster() {
	var bus memory.Bus
	for range 2 {
		node := socketio.NewServer(socketio.Options{Adapter: bus.Node()})
		defer node.Close()
		socketio.On(node.Of("/"), "say", func(ctx context.Context, s *socketio.Socket, text socketio.Raw) error {
			return node.Emit("said", text) // to the clients of both
		})
	}
}
