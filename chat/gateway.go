// Package chat is the chat: what its clients send, what they get, and the rules.
// It knows no HTTP.
//
// Its protocol, in the namespace "/chat":
//
//	client → server  msgToServer {name, text}            ack: {status: "ok"} or {status: "error", message}
//	server → all     msgToClient {name, text}            what a client has sent, as it came
//	server → all     msgToClient {name: "admin", text: "join chat."}   for each client that connects
//	server → client  node {id}                           which node serves the client
//	server → client  exception {status: "error", message}  what was wrong with its last event
package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/damso/damso/socketio"
)

// Namespace is where the chat is.
const Namespace = "/chat"

// A Message is what people say.
type Message struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// A status is the answer to an event, and the data of an exception.
type status struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// Options of a chat. The zero value works.
type Options struct {
	// Node is the name of this node, which clients are told. If empty, they are
	// told none.
	Node string
	// Logger gets arrivals and departures at debug level, and failures. If nil, it
	// is [slog.Default].
	Logger *slog.Logger
}

// gateway holds the handlers together.
type gateway struct {
	ns   *socketio.Namespace
	node string
	log  *slog.Logger
}

// Register puts the chat's handlers on its namespace of srv. Call it once, before
// clients come.
func Register(srv *socketio.Server, opts Options) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	g := &gateway{ns: srv.Of(Namespace), node: opts.Node, log: opts.Logger}
	g.ns.OnConnect(g.connected)
	g.ns.OnDisconnect(g.disconnected)
	g.ns.OnError(g.failed)
	g.ns.Handle("msgToServer", g.message)
	g.log.Debug("Socket Server Init Complete")
}

func (g *gateway) connected(_ context.Context, s *socketio.Socket) error {
	if g.log.Enabled(context.Background(), slog.LevelDebug) {
		username := s.Handshake().Query.Get("username")
		g.log.Debug(fmt.Sprintf("%s(%.*s) is connected!", s.ID(), maxName, username))
	}
	if g.node != "" {
		if err := s.Emit("node", map[string]string{"id": g.node}); err != nil {
			return ignoreGone(err)
		}
	}
	return g.ns.Emit("msgToClient", Message{Name: "admin", Text: "join chat."})
}

func (g *gateway) disconnected(_ context.Context, s *socketio.Socket, reason socketio.Reason) {
	g.log.Debug(s.ID()+" is disconnected...", "reason", string(reason))
}

// message passes on what a client says, as it came.
func (g *gateway) message(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
	payload, err := e.Args.Raw(0)
	if err != nil {
		return errNoPayload
	}
	if err := check(payload); err != nil {
		return err
	}
	if err := g.ns.Emit("msgToClient", payload); err != nil {
		return err
	}
	return e.Ack(status{Status: "ok"})
}

// failed tells a client, and it alone, what was wrong with its event.
func (g *gateway) failed(_ context.Context, s *socketio.Socket, e *socketio.Event, err error) {
	answer := status{Status: "error", Message: "Internal server error"}
	if bad := Invalid(""); errors.As(err, &bad) {
		answer.Message = string(bad)
	} else {
		g.log.Error("chat handler failed", "socket", s.ID(), "error", err)
	}
	if err := s.Emit("exception", answer); ignoreGone(err) != nil {
		g.log.Error("exception not sent", "socket", s.ID(), "error", err)
	}
	if e != nil {
		if err := e.Ack(answer); err != nil && !errors.Is(err, socketio.ErrAcked) {
			g.log.Error("error not acknowledged", "socket", s.ID(), "error", err)
		}
	}
}

// ignoreGone makes nothing of a client that has left in the meantime.
func ignoreGone(err error) error {
	if errors.Is(err, socketio.ErrDisconnected) {
		return nil
	}
	return err
}
