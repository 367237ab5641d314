package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/damso/damso/metrics"
	"github.com/damso/damso/socketio"
)

// serveMetrics serves /metrics of srv on that port until stop is called, for whoever
// reaches it: Prometheus is on another machine mostly. With port 0 it does not.
func serveMetrics(port uint16, srv *socketio.Server) (stop func(), err error) {
	if port == 0 {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(int(port))))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken: stop what listens there, or choose another with METRICS_PORT=%d", port, another(port))
	case err != nil:
		return nil, fmt.Errorf("listen on METRICS_PORT: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", withoutBody(metrics.Handler(srv)))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 32 << 10}
	done := make(chan struct{})
	go func() { // ends by stop
		defer close(done)
		_ = s.Serve(l)
	}()
	return func() {
		_ = s.Close()
		<-done
	}, nil
}
