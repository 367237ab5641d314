// The chat on github.com/zishang520/socket.io v3.
package main

import (
	"context"
	"log"
	"net/http"
	_ "net/http/pprof"
	"os"

	rds "github.com/redis/go-redis/v9"
	"github.com/zishang520/socket.io/adapters/redis/v3"
	"github.com/zishang520/socket.io/adapters/redis/v3/adapter"
	"github.com/zishang520/socket.io/servers/socket/v3"
)

func env(k, d string) string {
	if v := os.Getenv(k); v != "" {
		return v
	}
	return d
}

func main() {
	joinMsg := os.Getenv("JOIN_MSG") != "0"
	opts := socket.DefaultServerOptions()
	if p := os.Getenv("REDIS_PORT"); p != "" {
		c := redis.NewRedisClient(context.Background(), rds.NewClient(&rds.Options{Addr: env("REDIS_HOST", "127.0.0.1") + ":" + p}))
		c.On("error", func(a ...any) { log.Println("redis", a) })
		opts.SetAdapter(&adapter.RedisAdapterBuilder{Redis: c, Opts: &adapter.RedisAdapterOptions{}})
	}
	io := socket.NewServer(nil, opts)
	chat := io.Of("/chat", nil)
	admin := map[string]any{"name": "admin", "text": "join chat."}
	// adapters/redis v3.0.2 drops every namespace-wide broadcast that arrives
	// from another node (onMessage ignores a channel no longer than its own
	// prefix), so with Redis everybody joins one room and we broadcast to that.
	all := func(v any) { chat.Emit("msgToClient", v) }
	clustered := os.Getenv("REDIS_PORT") != "" && os.Getenv("PLAIN") == ""
	if clustered {
		all = func(v any) { chat.To("all").Emit("msgToClient", v) }
	}
	chat.On("connection", func(a ...any) {
		s := a[0].(*socket.Socket)
		if clustered {
			s.Join("all")
		}
		if joinMsg {
			all(admin)
		}
		s.On("msgToServer", func(d ...any) {
			if len(d) > 0 {
				all(d[0])
			}
		})
		s.On("echo", func(d ...any) {
			if len(d) > 1 {
				if ack, ok := d[len(d)-1].(socket.Ack); ok {
					ack([]any{d[0]}, nil)
				}
			}
		})
		s.On("join", func(d ...any) {
			if r, ok := d[0].(string); ok {
				s.Join(socket.Room(r))
			}
			if ack, ok := d[len(d)-1].(socket.Ack); ok {
				ack([]any{"ok"}, nil)
			}
		})
		s.On("roomMsg", func(d ...any) {
			if m, ok := d[0].(map[string]any); ok {
				if r, ok := m["room"].(string); ok {
					chat.To(socket.Room(r)).Emit("msgToClient", m)
				}
			}
		})
	})
	if p := os.Getenv("PPROF_PORT"); p != "" {
		go http.ListenAndServe("127.0.0.1:"+p, nil)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io.ServeHandler(nil))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+env("NODE_PORT", "3000"), mux))
}
