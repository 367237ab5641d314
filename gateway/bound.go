package gateway

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/damso/damso/socketio"
)

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
