package socketio

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// start begins the socket's life: middlewares, then the greeting, then events.
// conn.mu is held.
func (s *Socket) start() {
	s.running = true
	s.ns.server.workers.run(s)
}

// join lets the client into the namespace, if the middlewares allow it.
func (s *Socket) join() bool {
	s.awaitSettled()
	ctx := s.Context()
	h := s.ns.handlers.Load()
	recovered := s.reclaim()
	err := s.guard(func() error {
		if recovered && s.ns.server.opts.Recovery.SkipMiddlewares {
			return h.enter(ctx, s)
		}
		if err := h.authorize(ctx, s); err != nil {
			return err
		}
		return h.enter(ctx, s)
	})
	switch {
	case !s.entered:
		s.refuse(err)
	case err != nil:
		h.fail(ctx, s, nil, err)
	}
	return s.entered
}

// refuse tells a client that it is not let in, if it is still there.
func (s *Socket) refuse(err error) {
	if err == nil || errors.Is(err, errPanic) {
		err = errInternal
	}
	s.ns.counts().refused.Add(1)
	refusal := connectError(s.conn.session.Protocol(), s.ns.name, err)
	s.leave(ServerNamespaceDisconnect, err, s.ns.server.encodePacket(refusal, nil))
}

// connect makes the socket connected and greets the client, before anything else
// can be sent to it. It returns false if the client has left already. ns.mu is
// held.
func (s *Socket) connect() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connecting {
		return false
	}
	greeting := packet.Packet{Type: packet.Connect, Namespace: s.ns.name}
	switch {
	case s.recoverable():
		if !s.ns.history.attach(s) {
			return false
		}
		greeting.Data = []byte(`{"sid":"` + s.id + `","pid":"` + s.line.pid + `"}`)
	case s.ns.stream != nil && s.conn.session.Protocol() == 4:
		if !s.ns.stream.attach(s) {
			return false
		}
		greeting.Data = s.seat.greeting(s.id)
	case s.conn.session.Protocol() == 4:
		greeting.Data = []byte(`{"sid":"` + s.id + `"}`)
	}
	s.state = connected
	if s.recovered {
		s.ns.counts().recovered.Add(1)
	} else {
		s.ns.counts().fresh.Add(1)
	}
	s.conn.session.Send(s.ns.server.encodePacket(greeting, nil))
	return true
}

// leave ends the socket, in one step for everybody who looks: until then it gets
// what is sent to it and to its rooms, and after farewell, if that is not nil,
// nothing. Handlers of events that came before still run, unless this side ends
// it, then those of the disconnection. Only the first call counts.
func (s *Socket) leave(reason Reason, err error, farewell *engineio.Message) {
	ended, start := s.end(reason, err, farewell)
	if ended && err != nil {
		s.ns.server.log.Debug("socket lost", "namespace", s.ns.name, "socket", s.id, "reason", string(reason), "error", err)
	}
	if start {
		s.ns.server.workers.run(s)
	}
}

// end is leave without what needs no lock. It says whether this call ended the
// socket, and whether a worker must see to its handlers.
func (s *Socket) end(reason Reason, err error, farewell *engineio.Message) (ended, start bool) {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == disconnected {
		return false, false
	}
	joined := s.state == connected
	s.state, s.reason = disconnected, reason
	if s.recoverable() {
		s.ns.history.part(s, reason)
	}
	if s.ns.stream != nil {
		s.ns.stream.part(s, reason)
	}
	for _, answers := range s.acks {
		answers <- answer{socket: s, err: ErrDisconnected} // has room
	}
	s.acks = nil
	if err != nil {
		s.more().cause = err
	}
	if s.done != nil {
		close(s.done)
	}
	s.callEnded()
	if !joined || reason == ServerNamespaceDisconnect {
		for _, e := range s.events {
			s.conn.lower(e.size())
		}
		s.events = nil
	}
	if joined && len(s.ns.handlers.Load().disconnecting) > 0 {
		s.more().rooms = s.ns.members.roomsOf(s)
	}
	s.conn.remove(s)
	s.ns.members.remove(s)
	if farewell != nil {
		s.conn.session.Send(farewell)
	}
	start = joined && !s.running
	s.running = s.running || start
	return true, start
}

// queue hands an event to the socket's worker, and calls one if there is none.
func (s *Socket) queue(e *Event) {
	s.conn.raise(e.size())
	if !s.push(e) {
		s.conn.handled(e)
	}
}

// push is queue for a socket that has not left; else it returns false.
func (s *Socket) push(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == disconnected {
		return false
	}
	s.events = append(s.events, e)
	if !s.running {
		s.running = true
		s.ns.server.workers.run(s)
	}
	return true
}

// run lets the socket join, the first time; handles its events, one after the
// other, until there is nothing to do; and its end, when that has come.
func (s *Socket) run() {
	if !s.begun {
		s.begun = true
		if !s.join() {
			s.conn.over()
			s.ns.exit()
			return
		}
	}
	for {
		e, ended := s.next()
		switch {
		case e != nil:
			s.conn.handled(e) // it waits no more
			s.handle(e)
		case ended:
			s.left()
			if s.recoverable() {
				s.ns.history.finished(s)
			}
			s.conn.over()
			s.ns.exit()
			return
		default:
			return
		}
	}
}

// next takes the next event. Without one, the goroutine must end.
func (s *Socket) next() (e *Event, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		ended = s.state == disconnected
		s.running = ended // nobody may start another one after the end
		s.events = nil
		return nil, ended
	}
	e = s.events[0]
	s.events[0] = nil
	s.events = s.events[1:]
	return e, false
}

// lastEvent says whether no event waits behind the one that is being handled.
func (s *Socket) lastEvent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events) == 0
}

// handle runs the handler of an event.
func (s *Socket) handle(e *Event) {
	ctx := s.Context()
	h := s.ns.handlers.Load()
	err := s.guard(func() error { return h.handle(ctx, s, e) })
	if err != nil {
		h.fail(ctx, s, e, err)
	}
}

// left runs the handlers of the disconnection.
func (s *Socket) left() {
	ctx := context.WithoutCancel(s.Context())
	h := s.ns.handlers.Load()
	for _, f := range h.disconnecting {
		_ = s.guard(func() error { f(ctx, s, s.reason); return nil })
	}
	s.forget()
	for _, f := range h.disconnect {
		_ = s.guard(func() error { f(ctx, s, s.reason); return nil })
	}
}

// guard runs a handler. A panic in it ends this socket only.
func (s *Socket) guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.ns.server.log.Error("handler panicked: its socket is disconnected",
				"namespace", s.ns.name, "socket", s.id, "panic", v, "stack", string(debug.Stack()))
			if s.Connected() { // else it is refused, or has left
				s.Disconnect(false)
			}
			err = errPanic
		}
	}()
	return f()
}
