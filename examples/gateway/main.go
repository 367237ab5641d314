// Gateway is an auction: typed handlers with validation, a guard, an interceptor and
// an error filter, as NestJS gateways have them.
//
//	go run ./examples/gateway
//
// And in a browser's or Node's socket.io-client:
//
//	const socket = io("http://localhost:3000/auction", { query: { name: "minsu" } });
//	socket.on("best", console.log);
//	socket.on("exception", console.error);
//	await socket.emitWithAck("watch", "vase");                          // { lot: "vase", amount: 0, by: "" }
//	await socket.emitWithAck("bid", { lot: "vase", amount: 50 });       // { lot: "vase", amount: 50, by: "minsu" }
//	await socket.emitWithAck("bid", { lot: "vase", amount: -1 });       // { status: "error", message: "amount must be at least 1", … }
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", *addr)
	if err == nil {
		slog.Info("listening", "addr", l.Addr().String())
		err = run(ctx, l)
	}
	if err != nil {
		slog.Error("auction ended", "error", err)
		os.Exit(1)
	}
}

// run serves the auction until ctx ends.
func run(ctx context.Context, l net.Listener) error {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()
	gateway.Register(srv.Of("/auction"), NewAuction(slog.Default(), "vase", "chair"), gateway.Options{})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	web := &http.Server{Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = web.Close() })()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
