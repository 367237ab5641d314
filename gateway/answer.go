package gateway

import (
	"context"
	"errors"
	"log/slog"

	"github.com/damso/damso/socketio"
)

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

// acknowledge is the last that is said of an event, which the handler may have
// acknowledged itself.
func acknowledge(e *socketio.Event, v any) error {
	if err := e.AckNow(v); !errors.Is(err, socketio.ErrAcked) {
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
