package socketio

import (
	"context"
	"time"
)

// Context returns a context that ends when the socket is disconnected. Handlers
// are called with it.
func (s *Socket) Context() context.Context { return (*socketContext)(s) }

// A socketContext is a socket as a context: it costs nothing until somebody waits
// for its end.
type socketContext Socket

func (*socketContext) Deadline() (deadline time.Time, ok bool) { return }
func (*socketContext) Value(any) any                           { return nil }

func (c *socketContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.state == disconnected {
			close(c.done)
		}
	}
	return c.done
}

func (c *socketContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == disconnected {
		return context.Canceled
	}
	return nil
}
