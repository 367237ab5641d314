package socketio

import (
	"context"
	"time"
)

// Context returns a context that ends when the socket is disconnected, or was
// refused. Handlers are called with it. Its values are those of [Socket.SetValue].
// What [context.AfterFunc] and contexts made of it wait with is no goroutine.
func (s *Socket) Context() context.Context { return (*socketContext)(s) }

// A socketContext is a socket as a context: it costs nothing until somebody waits
// for its end.
type socketContext Socket

// Deadline says that there is none.
func (*socketContext) Deadline() (deadline time.Time, ok bool) { return }

// Value is that of the socket.
func (c *socketContext) Value(key any) any { return (*Socket)(c).Value(key) }

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

// AfterFunc lets f run on a goroutine of its own when the socket is disconnected.
// It is found by package context.
func (c *socketContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == disconnected {
		c.ns.server.workers.start(f)
		return func() bool { return false }
	}
	after := (*Socket)(c).more()
	if after.ended == nil {
		after.ended = map[*func()]struct{}{}
	}
	after.ended[&f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := after.ended[&f]
		delete(after.ended, &f)
		return waits
	}
}
