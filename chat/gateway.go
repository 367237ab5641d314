// Package chat is the chat: what its clients send, what they get, and the rules.
// It knows no HTTP.
//
// Its protocol, in the namespace "/chat":
//
//	client → server  msgToServer {name, text}            ack: {status: "ok"} or {status: "error", message}
//	server → all     msgToClient {name, text}            what a client has sent, as it came
//	server → all     msgToClient {name: "admin", text: "join chat."}   for each client that joins
//	server → client  node {id}                           which node serves the client
//	server → client  exception {status: "error", message}  what was wrong with its last event
package chat

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

// Namespace is where the chat is.
const Namespace = "/chat"

// A Message is what people say.
type Message struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// A status is the acknowledgement of an event.
type status struct {
	Status string `json:"status"`
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

// chat is the gateway.
type chat struct {
	ns   *socketio.Namespace
	node string
	log  *slog.Logger
}

// Register puts the chat on its namespace of srv. Call it once, before clients
// come.
func Register(srv *socketio.Server, opts Options) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	c := &chat{node: opts.Node, log: opts.Logger}
	gateway.Register(srv.Of(Namespace), c, gateway.Options{Logger: opts.Logger})
}

// Routes implements [gateway.Gateway].
func (c *chat) Routes(r *gateway.Router) {
	c.ns = r.Namespace()
	r.AfterInit(c.initialized)
	r.OnConnection(c.connected)
	r.OnDisconnection(c.disconnected)
	gateway.OnAck(r, "msgToServer", c.message)
}

func (c *chat) initialized(*socketio.Namespace) { c.log.Debug("Socket Server Init Complete") }

func (c *chat) connected(ctx context.Context, s *socketio.Socket) error {
	if c.log.Enabled(ctx, slog.LevelDebug) {
		username := s.Handshake().Query.Get("username")
		c.log.Debug(fmt.Sprintf("%s(%.*s) is connected!", s.ID(), maxName, username))
	}
	if c.node != "" {
		if err := s.Emit("node", map[string]string{"id": c.node}); err != nil {
			return err
		}
	}
	if s.Recovered() {
		return nil // was only away, and has not missed anything
	}
	return c.ns.Emit("msgToClient", Message{Name: "admin", Text: "join chat."})
}

func (c *chat) disconnected(_ context.Context, s *socketio.Socket, reason socketio.Reason) error {
	c.log.Debug(s.ID()+" is disconnected...", "reason", string(reason))
	return nil
}

// message passes on what a client says, as it came.
func (c *chat) message(_ context.Context, _ *socketio.Socket, payload socketio.Raw) (status, error) {
	if err := check(payload); err != nil {
		return status{}, err
	}
	return status{Status: "ok"}, c.ns.Emit("msgToClient", payload)
}
