// Twonodes is one chat on two servers: who talks to the one is heard at the other.
//
//	go run ./examples/twonodes                              # nodes of one process
//	REDIS=localhost:6379 go run ./examples/twonodes         # over Redis, as in a cluster
//
// And in Node's socket.io-client:
//
//	const a = io("http://localhost:3000"), b = io("http://localhost:3001");
//	b.on("said", console.log);                              // "hello"
//	a.emit("say", "hello");
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/socketio"
)

func main() {
	one, two := cluster(os.Getenv("REDIS"))
	go func() { log.Fatal(http.ListenAndServe("localhost:3000", newServer(one))) }()
	log.Fatal(http.ListenAndServe("localhost:3001", newServer(two)))
}

// cluster returns the adapters of two nodes. Nodes that are processes of their own, as
// usual, make one each with the address of the same Redis.
func cluster(addr string) (one, two adapter.Adapter) {
	if addr == "" {
		var bus memory.Bus
		return bus.Node(), bus.Node()
	}
	client := rueidis.ClientOption{InitAddress: []string{addr}}
	return redis.New(client, redis.Options{}), redis.New(client, redis.Options{})
}

func newServer(node adapter.Adapter) *socketio.Server {
	srv := socketio.NewServer(socketio.Options{Adapter: node})
	ns := srv.Of("/")
	socketio.On(ns, "say", func(_ context.Context, _ *socketio.Socket, text string) error {
		return ns.Emit("said", text) // everywhere; ns.Local().Emit would stay here
	})
	return srv
}
