package socketio

import (
	"context"
	"errors"
	"slices"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// OnAny adds a handler that is called for each event of a client, whether it has a
// handler of its own or not, before that. An error goes to OnError and keeps
// nothing from happening; to do that, use [Namespace.UseEvent].
func (ns *Namespace) OnAny(f Handler) {
	ns.register(func(h *handlers) { h.any = append(slices.Clone(h.any), f) })
}

// OnAnyOutgoing adds a function that is called for each event that is sent to a
// socket, and each socket that it is sent to: those of Emit and EmitWithAck, and of
// broadcasts, from other nodes too. Acknowledgements are not among them. args is
// decoded from what is sent.
//
// It is called by the goroutine that sends, when the event is on its way. A
// broadcast to many sockets then takes as long as all the calls: it is meant for
// logs and measurements.
func (ns *Namespace) OnAnyOutgoing(f func(s *Socket, event string, args Args)) {
	ns.register(func(h *handlers) { h.outgoing = append(slices.Clone(h.outgoing), f) })
}

// OnDisconnecting adds a handler that is called when a client that had joined has
// left, before those of OnDisconnect. In it, [Socket.Rooms] still has the rooms that
// the socket was in. Nothing reaches it there any more.
func (ns *Namespace) OnDisconnecting(f func(ctx context.Context, s *Socket, reason Reason)) {
	ns.register(func(h *handlers) { h.disconnecting = append(slices.Clone(h.disconnecting), f) })
}

// Off takes the handler of an event away.
func (ns *Namespace) Off(event string) {
	ns.register(func(h *handlers) { delete(h.events, event) })
}

// A once is a handler for one event of one socket.
type once struct {
	event string
	h     Handler
}

// Once lets h handle the next event of that name from this client, in place of the
// namespace's handler. With several of them, each handles one event, in the order
// in which they were added. off takes h back, if it was not called yet; so does
// the end of the socket.
//
// It is for what one client is asked for at one moment. Handlers that are the same
// for all clients belong to the namespace, and whoever wants one answer to one
// event uses [Socket.EmitWithAck].
func (s *Socket) Once(event string, h Handler) (off func()) {
	o := &once{event, h}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == disconnected && !s.running {
		return func() {}
	}
	x := s.more()
	x.onces = append(x.onces, o)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := slices.Index(x.onces, o); i >= 0 {
			x.onces = slices.Delete(x.onces, i, i+1)
		}
	}
}

// takeOnce returns the handler that Once was given for the event, or nil.
func (s *Socket) takeOnce(event string) Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil {
		return nil
	}
	for i, o := range s.extra.onces {
		if o.event == event {
			s.extra.onces = slices.Delete(s.extra.onces, i, i+1)
			return o.h
		}
	}
	return nil
}

// anyone calls the handlers of OnAny.
func (h *handlers) anyone(ctx context.Context, s *Socket, e *Event) error {
	for _, f := range h.any {
		err := s.guard(func() error { return f(ctx, s, e) })
		if errors.Is(err, errPanic) {
			return err
		}
		if err != nil {
			h.fail(ctx, s, e, err)
		}
	}
	return nil
}

// sent calls the functions of OnAnyOutgoing. No lock is held.
func (h *handlers) sent(e adapter.Event, sockets ...*Socket) {
	if len(h.outgoing) == 0 || len(sockets) == 0 {
		return
	}
	name, raw, err := packet.EventName(e.Data)
	if err != nil {
		return // another node's, which sends what is no event
	}
	args := Args{raw: raw, attachments: e.Attachments}
	for _, s := range sockets {
		for _, f := range h.outgoing {
			_ = s.guard(func() error { f(s, name, args); return nil })
		}
	}
}
