// Package gateway gives a namespace what NestJS gives it with a gateway: typed
// handlers whose payloads are decoded and validated, guards, interceptors and error
// filters, answers by returning them, and exceptions.
//
// A gateway is a type that says in Routes what it does:
//
//	type Chat struct{ ns *socketio.Namespace }
//
//	func (c *Chat) Routes(r *gateway.Router) {
//		c.ns = r.Namespace()
//		r.Use(gateway.Guard(c.allowed))
//		r.OnConnection(c.connected)
//		gateway.OnAck(r, "msgToServer", c.message)
//	}
//
//	gateway.Register(srv.Of("/chat"), &Chat{}, gateway.Options{})
//
// # One chain
//
// Every [Call] runs through the interceptors of [Router.Use], whether a client
// connects, sends an event or leaves; an event runs through its own interceptors as
// well. Guards ([Guard]) and error filters ([Catch]) are interceptors, too. The calls
// of one socket are handled one at a time, in the order in which they came: a
// handler that waits holds up its own client, and no other.
//
// # Answers and errors
//
// What a handler returns is the acknowledgement, if the client wants one; with
// [Response] it is an event that is sent back instead.
//
// An error is told that client alone, as the event "exception" with
// {status: "error", message}, and the same as the acknowledgement if it wants one.
// The message is that of an [Error], of [Problems], or says what is wrong with an
// argument. Of any other error, and of a panic, the client is told "Internal server
// error", and the log the rest. The client stays connected. A client that is not let
// in gets the message and the data of the error with its connect_error.
package gateway

import (
	"log/slog"

	"github.com/damso/damso/socketio"
)

// A Gateway is what is bound to a namespace.
type Gateway interface {
	// Routes registers handlers, hooks and interceptors. It is called once by
	// Register.
	Routes(r *Router)
}

// Options of a gateway. The zero value works.
type Options struct {
	// Logger gets failures at level error, and at debug what clients did wrong. If
	// nil, it is [slog.Default].
	Logger *slog.Logger
}

// A Response is the result of a handler that answers with an event instead of an
// acknowledgement. The acknowledgement, if the client wants one, is not sent.
type Response struct {
	Event string
	Data  any
}

// Register binds a gateway to a namespace. Call it once for a namespace, before
// clients come. The namespace's own middlewares run before the chain, what else is
// registered on it inside of the chain; its OnError is the gateway's.
func Register(ns *socketio.Namespace, g Gateway, opts Options) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	r := &Router{ns: ns, events: map[string]Handler{}}
	g.Routes(r)
	b := &bound{Router: r, log: opts.Logger.With("namespace", ns.Name())}
	b.run = b.recovered(chain(b.recovered(b.handle), r.around))
	ns.OnError(b.failed)
	ns.UseConnect(b.connect)
	ns.UseEvent(b.event)
	ns.OnDisconnect(b.disconnect)
	for _, f := range r.afterInit {
		f(ns)
	}
}
