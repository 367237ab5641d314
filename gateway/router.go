package gateway

import (
	"context"
	"fmt"

	"github.com/damso/damso/socketio"
)

// A Router takes what a gateway does. It is for [Gateway].Routes alone: once that
// has returned, nothing more may be registered.
type Router struct {
	ns            *socketio.Namespace
	around        []Interceptor
	events        map[string]Handler
	afterInit     []func(ns *socketio.Namespace)
	connection    []func(ctx context.Context, s *socketio.Socket) error
	disconnection []func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) error
}

// Namespace returns the namespace that the gateway is bound to, for what it sends
// to all: r.Namespace().Emit, r.Namespace().To(room).Emit.
func (r *Router) Namespace() *socketio.Namespace { return r.ns }

// Use adds interceptors to the chain that every call of the gateway runs through:
// each client that connects, each event, known or not, and each client that
// leaves. What was added first is the outermost.
func (r *Router) Use(around ...Interceptor) { r.around = append(r.around, around...) }

// AfterInit adds a hook that is called once, when everything is registered and
// before clients come.
func (r *Router) AfterInit(f func(ns *socketio.Namespace)) { r.afterInit = append(r.afterInit, f) }

// OnConnection adds a hook that is called when a client has joined the namespace,
// before any event of it is handled. After an error, which becomes an exception,
// the hooks that follow are not called; the client stays connected. To refuse a
// client, use an [Interceptor].
func (r *Router) OnConnection(f func(ctx context.Context, s *socketio.Socket) error) {
	r.connection = append(r.connection, f)
}

// OnDisconnection adds a hook that is called when a client that had joined has
// left, after the handlers of its events. Its context does not end with the socket.
// All hooks are called, whatever the others return.
func (r *Router) OnDisconnection(f func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) error) {
	r.disconnection = append(r.disconnection, f)
}

// On sets the handler of an event, with interceptors that are for this event alone,
// inside of those of [Router.Use]. The event's first argument is decoded into a T,
// by the rules of encoding/json with binary in []byte, and validated if T is a
// [Validator]; what is wrong with it is told the client, and h is not called. A
// missing argument is the zero T.
//
// With [socketio.Args] for T the handler gets all arguments, with [socketio.Raw] the
// first one as it came, and with *[socketio.Event] the event, which it may
// acknowledge itself, now or later.
//
// It panics if the event has a handler already.
func On[T any](r *Router, event string, h func(ctx context.Context, s *socketio.Socket, payload T) error, around ...Interceptor) {
	r.handle(event, around, func(ctx context.Context, c *Call) (any, error) {
		payload, err := decode[T](c.Event)
		if err != nil {
			return nil, err
		}
		return nil, h(ctx, c.Socket, payload)
	})
}

// OnAck is [On] for a handler that answers: with its result as the acknowledgement,
// if the client wants one, or, if R is [Response], with an event.
func OnAck[T, R any](r *Router, event string, h func(ctx context.Context, s *socketio.Socket, payload T) (R, error), around ...Interceptor) {
	r.handle(event, around, func(ctx context.Context, c *Call) (any, error) {
		payload, err := decode[T](c.Event)
		if err != nil {
			return nil, err
		}
		return h(ctx, c.Socket, payload)
	})
}

func (r *Router) handle(event string, around []Interceptor, h Handler) {
	if r.events[event] != nil {
		panic(fmt.Sprintf("gateway: event %q has two handlers", event))
	}
	r.events[event] = chain(h, around)
}
