package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/damso/damso/socketio"
)

// An Error is an error that the client is told. All others are told as "Internal
// server error" and logged. A handler may wrap it: what is around it is not told.
type Error struct {
	Message string
	// Data goes with the message. It is encoded as JSON and may be nil.
	Data any
	// Payload, if not nil, is all that the client is told on an event, in place of
	// {status, message, data}; in place of Data on Connect.
	Payload any
	// Err is the cause, which the client is not told, or nil.
	Err error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an [Error] with that message: all of it is told the client, so it
// takes no %w.
func Errorf(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// ErrForbidden is what a guard returns that has nothing more to say.
var ErrForbidden error = &Error{Message: "Forbidden resource"} // Nest's words

// ErrPanic stands for a handler or an interceptor that panicked. The panic has been
// logged; the client is told "Internal server error" and stays connected.
var ErrPanic = errors.New("gateway: handler panicked")

// Catch is an interceptor that filters errors: f is called with those that are an E,
// as [errors.AsType] has it, and returns what is told instead of them, often an
// [Error]. With nil the error is dealt with. Let E be error to catch all.
func Catch[E error](f func(ctx context.Context, c *Call, err E) error) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, c *Call) (any, error) {
			result, err := next(ctx, c)
			if caught, ok := errors.AsType[E](err); ok {
				return nil, f(ctx, c, caught)
			}
			return result, err
		}
	}
}

// An exception is what a client is told about an event that failed.
type exception struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

var internal = &Error{Message: "Internal server error"}

// public returns what of err the client may be told, or nil if nothing.
func public(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if p, ok := errors.AsType[Problems](err); ok {
		return &Error{Message: p.Error(), Data: p}
	}
	if e, ok := errors.AsType[*socketio.ConnectError](err); ok {
		return &Error{Message: e.Message, Data: e.Data}
	}
	if e, ok := errors.AsType[*socketio.ArgumentError](err); ok {
		return explain(e, nil)
	}
	return nil
}

// exception returns what the client is told about an event.
func (e *Error) exception() any {
	if e.Payload != nil {
		return e.Payload
	}
	return exception{Status: "error", Message: e.Message, Data: e.Data}
}

// refusal returns what the client is told that is not let in.
func (e *Error) refusal() error {
	data := e.Data
	if e.Payload != nil {
		data = e.Payload
	}
	return &socketio.ConnectError{Message: e.Message, Data: data}
}
