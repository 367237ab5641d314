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
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

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

// bound is a gateway at its place. It is never changed.
type bound struct {
	*Router
	log *slog.Logger
	run Handler // the chain
}

// handle is the inner end of the chain.
func (b *bound) handle(ctx context.Context, c *Call) (any, error) {
	switch c.Kind {
	case Connect:
		return nil, b.enter(ctx, c)
	case Disconnect:
		return nil, b.left(ctx, c)
	}
	if h := b.events[c.Event.Name]; h != nil {
		return h(ctx, c)
	}
	return nil, c.next(ctx)
}

func (b *bound) enter(ctx context.Context, c *Call) error {
	if err := c.next(ctx); err != nil {
		return err
	}
	c.entered = true
	for _, f := range b.connection {
		if err := f(ctx, c.Socket); err != nil {
			return err
		}
	}
	return nil
}

func (b *bound) left(ctx context.Context, c *Call) (err error) {
	for _, f := range b.disconnection {
		_, failed := b.recovered(func(ctx context.Context, c *Call) (any, error) {
			return nil, f(ctx, c.Socket, c.Reason)
		})(ctx, c)
		err = errors.Join(err, failed)
	}
	return err
}

// connect is around what happens to a client that wants to join.
func (b *bound) connect(next func(context.Context, *socketio.Socket) error) func(context.Context, *socketio.Socket) error {
	return func(ctx context.Context, s *socketio.Socket) error {
		c := &Call{Kind: Connect, Socket: s}
		c.next = func(ctx context.Context) error { return next(ctx, s) }
		_, err := b.run(ctx, c)
		if err == nil || c.entered {
			return err
		}
		return b.told(ctx, c, err).refusal()
	}
}

// event is around the handlers of events.
func (b *bound) event(next socketio.Handler) socketio.Handler {
	return func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
		c := &Call{Kind: Event, Socket: s, Event: e}
		c.next = func(ctx context.Context) error { return next(ctx, s, e) }
		result, err := b.run(ctx, c)
		if err != nil {
			return err
		}
		return answer(c, result)
	}
}

func (b *bound) disconnect(ctx context.Context, s *socketio.Socket, reason socketio.Reason) {
	c := &Call{Kind: Disconnect, Socket: s, Reason: reason}
	if _, err := b.run(ctx, c); err != nil {
		b.told(ctx, c, err)
	}
}

// answer sends the result of an event's handler.
func answer(c *Call, result any) error {
	switch r := result.(type) {
	case nil:
		return nil
	case Response:
		return c.Socket.Emit(r.Event, r.Data)
	}
	return acknowledge(c.Event, result)
}

// failed is the way out of all errors of clients that are in: it tells that
// client. e is nil on Connect.
func (b *bound) failed(ctx context.Context, s *socketio.Socket, e *socketio.Event, err error) {
	c := &Call{Socket: s, Event: e}
	if e != nil {
		c.Kind = Event
	}
	if err := tell(c, b.told(ctx, c, err)); err != nil { // it has something that is no JSON
		_ = tell(c, b.told(ctx, c, err))
	}
}

// tell sends e as an exception and an acknowledgement. An error says that it can't be
// encoded.
func tell(c *Call, e *Error) error {
	payload := e.exception()
	if err := c.Socket.Emit("exception", payload); err != nil && !errors.Is(err, socketio.ErrDisconnected) {
		return err
	}
	if c.Event == nil {
		return nil
	}
	return acknowledge(c.Event, payload)
}

// acknowledge is Ack for an event that the handler may have acknowledged itself.
func acknowledge(e *socketio.Event, v any) error {
	if err := e.Ack(v); !errors.Is(err, socketio.ErrAcked) {
		return err
	}
	return nil
}

// told returns what of err the client is told, and tells the log.
func (b *bound) told(ctx context.Context, c *Call, err error) *Error {
	level, e := slog.LevelDebug, public(err)
	switch {
	case e != nil || errors.Is(err, socketio.ErrDisconnected): // the client's doing
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // it left meanwhile
	case errors.Is(err, ErrPanic): // was logged
	default:
		level = slog.LevelError
	}
	b.log.Log(ctx, level, "handler failed", "socket", c.Socket.ID(), "call", c.Name(), "error", err)
	if e == nil {
		return internal
	}
	return e
}

// recovered makes an error of a panic in h.
func (b *bound) recovered(h Handler) Handler {
	return func(ctx context.Context, c *Call) (result any, err error) {
		defer func() {
			if v := recover(); v != nil {
				b.log.ErrorContext(ctx, "handler panicked", "socket", c.Socket.ID(), "call", c.Name(),
					"panic", v, "stack", string(debug.Stack()))
				result, err = nil, ErrPanic
			}
		}()
		return h(ctx, c)
	}
}
