// Server is the small chat that bench/run measures: what its README asks of
// every server compared, over this library and with nothing of the product on it.
//
// It takes NODE_PORT, REDIS_HOST and REDIS_PORT (empty: one node), JOIN_MSG (0: no
// announcement of joins), PPROF_PORT (empty: no profiles) and ADMIT (how many sessions may be
// opened in a second; empty: any number) from the environment.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

type message struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context) error {
	opts, err := options()
	if err != nil {
		return err
	}
	srv := socketio.NewServer(opts)
	defer srv.Close()
	handle(srv.Of("/chat"), os.Getenv("JOIN_MSG") != "0")

	// Who measures takes a server that listens for one that is ready.
	if err := ready(ctx, srv); err != nil {
		return err
	}
	if port := os.Getenv("PPROF_PORT"); port != "" {
		go http.ListenAndServe(net.JoinHostPort("127.0.0.1", port), nil)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	h := &http.Server{Addr: net.JoinHostPort("127.0.0.1", cmp.Or(os.Getenv("NODE_PORT"), "3000")), Handler: mux}
	defer context.AfterFunc(ctx, func() { h.Close() })()
	if err := h.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// options joins the node to its cluster, if the environment names a Redis.
func options() (opts socketio.Options, err error) {
	if port := os.Getenv("REDIS_PORT"); port != "" {
		addr := net.JoinHostPort(cmp.Or(os.Getenv("REDIS_HOST"), "127.0.0.1"), port)
		opts.Adapter = redis.New(rueidis.ClientOption{InitAddress: []string{addr}}, redis.Options{})
	}
	if admit := os.Getenv("ADMIT"); admit != "" {
		perSecond, err := strconv.ParseFloat(admit, 64)
		if err != nil {
			return opts, fmt.Errorf("bench: ADMIT: %w", err)
		}
		opts.Engine.Admission = &engineio.Admission{PerSecond: perSecond}
	}
	return opts, nil
}

// handle registers the events of the benchmark.
func handle(chat *socketio.Namespace, announce bool) {
	if announce {
		chat.OnConnect(func(context.Context, *socketio.Socket) error {
			return chat.Emit("msgToClient", message{Name: "admin", Text: "join chat."})
		})
	}
	socketio.On(chat, "msgToServer", func(_ context.Context, _ *socketio.Socket, m socketio.Raw) error {
		return chat.Emit("msgToClient", m)
	})
	socketio.OnAck(chat, "echo", func(_ context.Context, _ *socketio.Socket, x socketio.Raw) (socketio.Raw, error) {
		return x, nil
	})
	socketio.OnAck(chat, "join", func(_ context.Context, s *socketio.Socket, room string) (string, error) {
		s.Join(room)
		return "ok", nil
	})
	socketio.On(chat, "roomMsg", func(_ context.Context, _ *socketio.Socket, args socketio.Args) error {
		var to struct{ Room string }
		if err := args.Decode(&to); err != nil {
			return err
		}
		m, err := args.Raw(0)
		if err != nil {
			return err
		}
		return chat.To(to.Room).Emit("msgToClient", m)
	})
}

// ready waits until the node reaches the others.
func ready(ctx context.Context, srv *socketio.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for srv.Ready() != nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("bench: not ready: %w", srv.Ready())
		}
	}
	return nil
}
