// Package gatewaytest tests gateways without a network: a real server in memory,
// and clients that are values of the test.
//
//	srv := gatewaytest.New(t, &Chat{})
//	c := srv.Join(gatewaytest.Options{})
//	ack := c.Ask("msgToServer", Message{Name: "a", Text: "hello"})
//
// Everything works as with a network, in a bubble of [testing/synctest], too.
package gatewaytest

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"testing"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
	"github.com/damso/damso/socketio/packet"
)

// namespace is where the gateway is.
const namespace = "/test"

// A Server is a server with one gateway.
type Server struct {
	t   testing.TB
	srv *socketio.Server
	net *siotest.Server
}

// New serves g until the test ends. Its logger is the test's output.
func New(t testing.TB, g gateway.Gateway) *Server {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := socketio.NewServer(socketio.Options{Logger: log})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("gatewaytest: close: %v", err)
		}
	})
	gateway.Register(srv.Of(namespace), g, gateway.Options{Logger: log})
	return &Server{t: t, srv: srv, net: siotest.Pipe(t, srv)}
}

// Namespace returns the namespace that the gateway is bound to.
func (s *Server) Namespace() *socketio.Namespace { return s.srv.Of(namespace) }

// Close drops the clients and waits for all handlers, those of the disconnection
// as well. The end of the test does so, too.
func (s *Server) Close() {
	s.t.Helper()
	if err := s.srv.Close(); err != nil {
		s.t.Errorf("gatewaytest: close: %v", err)
	}
}

// Options is what a client says of itself. The zero value says nothing.
type Options struct {
	Auth   any // encoded as JSON
	Query  url.Values
	Header http.Header
}

// Join is a client that has joined the namespace. It leaves with the end of the
// test.
func (s *Server) Join(o Options) *Client {
	s.t.Helper()
	c, err := s.TryJoin(o)
	if err != nil {
		s.t.Fatalf("gatewaytest: client was refused: %v", err)
	}
	return c
}

// TryJoin is Join for a client that may be refused. The error is then a
// *[socketio.ConnectError], whose Data is a [json.RawMessage], or nil.
func (s *Server) TryJoin(o Options) (*Client, error) {
	s.t.Helper()
	c := &Client{t: s.t, conn: s.net.Open(siotest.Options{Query: o.Query.Encode(), Header: o.Header})}
	greeting := packet.Packet{Type: packet.Connect, Namespace: namespace}
	if o.Auth != nil {
		var err error
		if greeting.Data, err = json.Marshal(o.Auth); err != nil {
			s.t.Fatalf("gatewaytest: encode Auth: %v", err)
		}
	}
	c.send(greeting, nil)
	switch p, _ := c.read(); p.Type {
	case packet.Connect:
		var data struct{ SID string }
		c.decode(p.Data, &data)
		c.id = data.SID
		return c, nil
	case packet.ConnectError:
		var refused struct {
			Message string
			Data    json.RawMessage
		}
		c.decode(p.Data, &refused)
		if refused.Data == nil {
			return nil, &socketio.ConnectError{Message: refused.Message}
		}
		return nil, &socketio.ConnectError{Message: refused.Message, Data: refused.Data}
	default:
		s.t.Fatalf("gatewaytest: %s instead of an answer to joining", p.Type)
		return nil, errors.ErrUnsupported
	}
}
