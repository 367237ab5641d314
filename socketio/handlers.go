package socketio

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
)

// A Handler handles an event of a client. The events of one socket are handled one
// at a time, in the order in which they were sent; ctx ends when the socket is
// disconnected. An error goes to the namespace's [Namespace.OnError].
type Handler func(ctx context.Context, s *Socket, e *Event) error

// errPanic stands for a handler that panicked, after that was dealt with.
var errPanic = errors.New("socketio: handler panicked")

// handlers is what a namespace was told to do. It is never changed, only replaced.
type handlers struct {
	middleware []func(context.Context, *Socket) error
	connect    []func(context.Context, *Socket) error
	disconnect []func(context.Context, *Socket, Reason)
	// Before those of disconnect, with the rooms still there.
	disconnecting []func(context.Context, *Socket, Reason)
	any           []Handler
	slow          SlowPolicy
	outgoing      []func(*Socket, string, Args)
	rooms         []func(RoomEvent)
	serverSide    map[string]func(context.Context, Args) (any, error)
	events        map[string]Handler
	around        []func(Handler) Handler
	dispatch      Handler // to events, with around around it
	entries       []func(entry) entry
	enter         entry // letIn, with entries around it
	onError       func(context.Context, *Socket, *Event, error)
}

// An entry lets a client into the namespace.
type entry = func(context.Context, *Socket) error

// registerHere replaces the namespace's handlers by a changed copy.
func (ns *Namespace) registerHere(change func(*handlers)) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	h := *ns.handlers.Load()
	h.middleware, h.connect, h.disconnect = slices.Clone(h.middleware), slices.Clone(h.connect), slices.Clone(h.disconnect)
	h.events = maps.Clone(h.events)
	if h.events == nil {
		h.events = map[string]Handler{}
	}
	h.around = slices.Clone(h.around)
	change(&h)
	h.dispatch = h.event
	for _, wrap := range slices.Backward(h.around) {
		h.dispatch = wrap(h.dispatch)
	}
	h.entries = slices.Clone(h.entries)
	h.enter = h.letIn
	for _, wrap := range slices.Backward(h.entries) {
		h.enter = wrap(h.enter)
	}
	ns.use(&h)
}

// use makes h the namespace's handlers; mu is held.
func (ns *Namespace) use(h *handlers) {
	ns.handlers.Store(h)
	if len(h.rooms) > 0 {
		ns.members.watch = ns.tellRoom
	}
}

// Use adds a middleware: it is called when a client wants to join the namespace,
// before it is let in, and may refuse it by an error (see [ConnectError]).
// Middlewares are called in the order in which they were added.
func (ns *Namespace) Use(middleware func(ctx context.Context, s *Socket) error) {
	ns.register(func(h *handlers) { h.middleware = append(h.middleware, middleware) })
}

// UseEvent puts something around the handlers of all events, known or not: wrap
// gets what comes next and returns what is called instead of it. What was added
// first is the outermost. It is called again whenever a handler is registered.
func (ns *Namespace) UseEvent(wrap func(next Handler) Handler) {
	ns.register(func(h *handlers) { h.around = append(h.around, wrap) })
}

// UseConnect puts something around the entry of clients that the middlewares have
// let pass: wrap gets what comes next and returns what is called instead of it.
// next lets the client in and calls the handlers of OnConnect; it returns
// [ErrDisconnected] if the client has left meanwhile. A client for which next is not
// called is refused, as by a middleware; an error after it goes to OnError. What was
// added first is the outermost. wrap is called again whenever a handler is
// registered.
func (ns *Namespace) UseConnect(wrap func(next func(context.Context, *Socket) error) func(context.Context, *Socket) error) {
	ns.register(func(h *handlers) { h.entries = append(h.entries, wrap) })
}

// OnConnect adds a handler that is called when a client has joined, before any
// event of it is handled. An error goes to OnError and does not disconnect the
// client.
func (ns *Namespace) OnConnect(f func(ctx context.Context, s *Socket) error) {
	ns.register(func(h *handlers) { h.connect = append(h.connect, f) })
}

// OnDisconnect adds a handler that is called when a client that had joined has
// left, after the handlers of its events. Its context does not end with the
// socket.
func (ns *Namespace) OnDisconnect(f func(ctx context.Context, s *Socket, reason Reason)) {
	ns.register(func(h *handlers) { h.disconnect = append(h.disconnect, f) })
}

// OnError replaces the handler of errors that other handlers return: the one way
// out for all of them. e is nil for an error of OnConnect; [Event.Ack] may still
// be called. By default, the error is logged: at debug level if the client is
// behind it, with an argument that is not what a handler wants ([ArgumentError]) or
// by leaving ([ErrDisconnected]), otherwise at warn level.
func (ns *Namespace) OnError(f func(ctx context.Context, s *Socket, e *Event, err error)) {
	ns.register(func(h *handlers) { h.onError = f })
}

// Handle sets the handler of an event. [On] and [OnAck] do so with arguments
// decoded.
func (ns *Namespace) Handle(event string, h Handler) {
	ns.register(func(all *handlers) { all.events[event] = h })
}

// On sets the handler of an event that has one argument of type T, decoded as by
// [Args.Decode]. A missing argument is the zero T. For all arguments, let T be
// [Args]; to pass on what came, let it be [Raw].
func On[T any](ns *Namespace, event string, h func(ctx context.Context, s *Socket, arg T) error) {
	ns.Handle(event, func(ctx context.Context, s *Socket, e *Event) error {
		arg, err := argument[T](e)
		if err != nil {
			return err
		}
		return h(ctx, s, arg)
	})
}

// OnAck is On for a handler whose result is the acknowledgement, if the client
// wants one.
func OnAck[T, R any](ns *Namespace, event string, h func(ctx context.Context, s *Socket, arg T) (R, error)) {
	ns.Handle(event, func(ctx context.Context, s *Socket, e *Event) error {
		arg, err := argument[T](e)
		if err != nil {
			return err
		}
		result, err := h(ctx, s, arg)
		if err != nil || !e.WantsAck() {
			return err
		}
		return e.AckNow(result)
	})
}

func argument[T any](e *Event) (arg T, err error) {
	if all, ok := any(&arg).(*Args); ok {
		*all = e.Args
		return arg, nil
	}
	err = e.Args.Decode(&arg) // before arg is returned
	return arg, err
}

// authorize runs the middlewares for s until one refuses it.
func (h *handlers) authorize(ctx context.Context, s *Socket) error {
	for _, m := range h.middleware {
		if err := m(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// letIn makes s a member, greets it and calls the handlers of OnConnect.
func (h *handlers) letIn(ctx context.Context, s *Socket) error {
	if !s.ns.add(s) {
		return ErrDisconnected
	}
	s.entered = true
	s.conn.session.CloseAfter(0)
	for _, f := range h.connect {
		err := s.guard(func() error { return f(ctx, s) })
		if errors.Is(err, errPanic) {
			break
		}
		if err != nil {
			h.fail(ctx, s, nil, err)
		}
	}
	return nil
}

// handle decodes e and calls its handler.
func (h *handlers) handle(ctx context.Context, s *Socket, e *Event) error {
	if err := e.decode(); err != nil {
		return err
	}
	return h.dispatch(ctx, s, e)
}

// event calls the handler of e. An event without one is nobody's business.
func (h *handlers) event(ctx context.Context, s *Socket, e *Event) error {
	if err := h.anyone(ctx, s, e); err != nil {
		return err
	}
	if f := s.takeOnce(e.Name); f != nil {
		return f(ctx, s, e)
	}
	if f := h.events[e.Name]; f != nil {
		return f(ctx, s, e)
	}
	return nil
}

// fail is the way out of all errors.
func (h *handlers) fail(ctx context.Context, s *Socket, e *Event, err error) {
	if errors.Is(err, errPanic) {
		return // was dealt with
	}
	if h.onError != nil {
		_ = s.guard(func() error { h.onError(ctx, s, e, err); return nil })
		return
	}
	name, level := "connect", slog.LevelWarn
	if e != nil {
		name = e.Name
	}
	if bad := (*ArgumentError)(nil); errors.As(err, &bad) || errors.Is(err, ErrDisconnected) {
		level = slog.LevelDebug
	}
	s.ns.server.log.Log(ctx, level, "handler failed", "namespace", s.ns.name, "socket", s.id, "event", name, "error", err)
}
