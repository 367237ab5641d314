// Package siotest is a small Socket.IO client for tests. It sends and receives
// packets as they stand on the wire, so that a test says what it means and may
// break every rule. Of Engine.IO it does what is needed: the handshake, answers to
// pings, payloads.
package siotest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// patience is how long a client waits for what must happen. A test that passes
// waits for the event itself, not for this.
const patience = 20 * time.Second

// bubblePatience is the same where time is not real. It costs nothing there, and ends
// a test that else would go on from ping to ping for ever.
const bubblePatience = 24 * time.Hour

// A Server is where clients connect to.
type Server struct {
	t        testing.TB
	host     string
	dial     func() (net.Conn, error)
	patience time.Duration
}

// Listen serves h on the loopback until the test ends.
func Listen(t testing.TB, h http.Handler) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, h, l)
	return At(t, l.Addr().String())
}

// At is a server that listens already.
func At(t testing.TB, addr string) *Server {
	dial := func() (net.Conn, error) { return net.Dial("tcp", addr) }
	return &Server{t: t, host: addr, dial: dial, patience: patience}
}

// Pipe serves h in memory until the test ends, for tests in a bubble of
// testing/synctest.
func Pipe(t testing.TB, h http.Handler) *Server {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	serve(t, h, l)
	return &Server{t: t, host: "pipe", dial: l.dial, patience: bubblePatience}
}

func serve(t testing.TB, h http.Handler, l net.Listener) {
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends by Close
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
}

// For is s for a subtest, whose clients then end with it.
func (s *Server) For(t testing.TB) *Server {
	sub := *s
	sub.t = t
	return &sub
}

// Options say how a client connects. The zero value is protocol 4 over WebSocket.
type Options struct {
	Protocol int    // 3 or 4; 0 is 4
	Polling  bool   // instead of WebSocket
	Upgrade  bool   // begins with polling and goes over to WebSocket, as most clients do
	Query    string // more of the URL's query, as "username=x"
	Deaf     bool   // reads nothing until Client.Hear; over WebSocket
	Header   http.Header
}

// Open opens a session that ends with the test. For protocol 4 it has joined no
// namespace yet.
func (s *Server) Open(o Options) *Client {
	s.t.Helper()
	c, err := s.TryOpen(o)
	if err != nil {
		s.t.Fatalf("siotest: open: %v", err)
	}
	return c
}

// TryOpen is Open for a test that wants to be refused.
func (s *Server) TryOpen(o Options) (*Client, error) {
	if o.Protocol == 0 {
		o.Protocol = 4
	}
	c := &Client{
		t: s.t, protocol: o.Protocol, patience: s.patience,
		incoming: make(chan Message, 1024), done: make(chan struct{}),
		writing: make(chan struct{}, 1), upgraded: make(chan error, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	if o.Polling || o.Upgrade {
		err = c.openPolling(s, o)
	} else {
		err = c.openWebSocket(s, o)
	}
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(c.Close)
	return c, nil
}

// Join is what most tests want: a client that has joined nsp.
func (s *Server) Join(nsp string) *Client {
	s.t.Helper()
	c := s.Open(Options{})
	c.Join(nsp, "")
	return c
}

// Get answers a plain GET request.
func (s *Server) Get(path string) (status int, body string, err error) {
	client, release := s.client()
	defer release()
	return get(client, "http://"+s.host+path)
}

// client is an HTTP client with connections of its own.
func (s *Server) client() (c *http.Client, release func()) {
	transport := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial() },
	}
	return &http.Client{Transport: transport}, transport.CloseIdleConnections
}

func (s *Server) url(scheme, transport string, o Options) string {
	u := fmt.Sprintf("%s://%s/socket.io/?EIO=%d&transport=%s", scheme, s.host, o.Protocol, transport)
	if o.Query != "" {
		u += "&" + o.Query
	}
	return u
}

// Query makes a query of names and values.
func Query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

// prefix is how packets name their namespace.
func prefix(nsp string) string {
	if nsp == "/" {
		return ""
	}
	return strings.TrimSuffix(nsp, ",") + ","
}

// A pipeListener is a network of one host.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements [net.Listener].
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

// Addr implements [net.Listener].
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
