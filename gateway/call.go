package gateway

import (
	"context"

	"github.com/damso/damso/socketio"
)

// Kind is what happens to a socket.
type Kind uint8

// The kinds of a [Call].
const (
	Connect    Kind = iota // a client wants to join the namespace
	Event                  // a client has sent an event
	Disconnect             // a client that had joined has left
)

// String returns "connect", "event" or "disconnect".
func (k Kind) String() string {
	return [...]string{"connect", "event", "disconnect"}[k]
}

// A Call is one thing that happens to a socket, on its way through the chain. It
// belongs to the goroutine that handles it, until that has returned.
//
// Tests of an [Interceptor] may make their own.
type Call struct {
	Kind Kind
	// Socket is the client. Before next is called on Connect, it is not connected
	// yet: it can't be sent to and can't join rooms, but has its Handshake, and
	// SetData works.
	Socket *socketio.Socket
	// Event is nil unless Kind is Event.
	Event *socketio.Event
	// Reason is why the client has left, on Disconnect.
	Reason socketio.Reason

	next    func(context.Context) error // what the namespace does without a gateway
	entered bool                        // on Connect: the client is in
}

// Name returns the name of the event, and for other kinds that of the kind.
func (c *Call) Name() string {
	if c.Event != nil {
		return c.Event.Name
	}
	return c.Kind.String()
}

// A Handler handles a call.
//
// On Event, result is the answer: the acknowledgement, if the client wants one, or
// with [Response] an event. A nil result is no answer. An error becomes an
// exception. On Connect and Disconnect there is no answer; an error on Connect
// refuses the client if it is not in yet, and is an exception otherwise; an error
// on Disconnect is logged.
type Handler func(ctx context.Context, c *Call) (result any, err error)

// An Interceptor puts something around a handler: it gets what comes next in the
// chain and returns what is called instead of it. What it returns may do something
// before and after, change ctx, result and error, or not call next at all:
//
//   - On Connect, next lets the client in and then calls the OnConnection hooks. A
//     client for which next is not called is refused.
//   - On Event, next calls the handler of the event, if there is one.
//   - On Disconnect, next calls the OnDisconnection hooks. The client is gone in any
//     case.
//
// A panic beneath comes out of next as [ErrPanic].
type Interceptor func(next Handler) Handler

// chain puts the interceptors around h, the first one outermost.
func chain(h Handler, around []Interceptor) Handler {
	for i := len(around) - 1; i >= 0; i-- {
		h = around[i](h)
	}
	return h
}

// Guard is an interceptor that lets through what allow returns nil for. An error of
// allow refuses: a client that wants to join, with a connect_error, or a single
// event, with an exception. It is not asked on Disconnect, where nothing can be
// refused any more.
func Guard(allow func(ctx context.Context, c *Call) error) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, c *Call) (any, error) {
			if c.Kind != Disconnect {
				if err := allow(ctx, c); err != nil {
					return nil, err
				}
			}
			return next(ctx, c)
		}
	}
}
