package webtransport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/engineio/webtransport"
	"github.com/damso/damso/socketio"
)

// Socket.IO on all transports, at one address.
func Example() {
	certificate, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	io := socketio.NewServer(socketio.Options{Engine: engineio.Options{
		Transports: []string{engineio.Polling, engineio.WebSocket, engineio.WebTransport},
	}})

	wt := webtransport.Server{Engine: io.Engine(), Addr: ":443", TLS: config}
	web := http.Server{Handler: io, Addr: ":443", TLSConfig: config}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- wt.ListenAndServe(ctx) }()
	go func() { ended <- web.ListenAndServeTLS("", "") }()

	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	select {
	case err := <-ended:
		log.Fatal(err)
	case <-interrupt:
	}
	// Sessions first, while their clients can still be told.
	err = io.Shutdown(context.Background())
	stop()
	log.Print(errors.Join(err, web.Close()))
}
