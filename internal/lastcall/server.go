package lastcall

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/damso/damso/socketio"
)

// A Server serves Socket.IO, among other things, over HTTP, and ends in this order: it
// takes no new clients and sends away those there are; when they are gone it closes its listener;
// when all requests are answered, also those for clients of other nodes, it leaves the others.
type Server struct {
	// Set once.
	io       *socketio.Server
	http     *http.Server
	listener *Listener

	stopping atomic.Bool
}

// NewServer makes a server of io, which is a part of web's handler, and a listener.
func NewServer(io *socketio.Server, web *http.Server, l *Listener) *Server {
	s := &Server{io: io, http: web, listener: l}
	web.Handler = s.parting(web.Handler)
	return s
}

// parting ends connections that are kept alive, while the server stops: with the answer to
// a request, since who sends the next one when an idle connection is closed gets none.
func (s *Server) parting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.stopping.Load() && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Serve serves until Stop, or until something goes wrong.
func (s *Server) Serve() error { return s.http.Serve(s.listener) }

// Patience is how long Stop waits for whom at most: for all, one after the other.
type Patience struct {
	PerSecond float64       // how many clients are sent away in a second
	Drain     time.Duration // until they are; then the rest at once
	Clients   time.Duration // for them to be gone, and for handlers
	Requests  time.Duration // for requests, connections in use for nothing, and the last handlers
}

// Stop ends the server, at the latest after Drain, Clients and twice Requests. It waits no
// longer for handlers. The error is [socketio.Server.Close]'s.
func (s *Server) Stop(p Patience) error {
	s.stopping.Store(true)
	ctx, cancel := within(p.Drain)
	defer cancel()
	late := s.io.Drain(ctx, p.PerSecond)
	clients, cancel := within(p.Clients)
	defer cancel()
	if late != nil {
		_ = s.io.Drain(clients, float64(time.Second)) // all at once
	}
	_ = s.io.AwaitEmpty(clients) // who is late is dropped
	s.lastRequests(p.Requests)
	return s.close(clients, p.Requests)
}

// lastRequests closes the listener and waits for what has come over it.
func (s *Server) lastRequests(patience time.Duration) {
	ctx, cancel := within(patience)
	defer cancel()
	s.listener.Finish(ctx)
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// close waits for handlers, and leaves the other nodes: until ctx ends, and not less than
// the time that this takes.
func (s *Server) close(ctx context.Context, atLeast time.Duration) error {
	closed := make(chan error, 1)
	go func() { closed <- s.io.Close() }() // ends when the last handler does
	enough, cancel := within(atLeast)
	defer cancel()
	for _, c := range []context.Context{ctx, enough} {
		select {
		case err := <-closed:
			return err
		case <-c.Done():
		}
	}
	return nil
}

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
