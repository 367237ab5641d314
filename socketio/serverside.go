package socketio

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"sync"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// ServerSideEmit tells the other nodes something; they get it by OnServerSide. It
// does not wait. The error says that an argument can't be encoded, that the event's
// name is a reserved one, or that the other nodes will not get it. On a single node
// nobody gets it.
func (ns *Namespace) ServerSideEmit(event string, args ...any) error {
	e, err := marshal(event, args)
	if err != nil {
		return err
	}
	return ns.operator().each(func(b Broadcast) error {
		b.ns.mu.Lock()
		defer b.ns.mu.Unlock()
		return b.ns.publish(&adapter.Operation{Kind: adapter.ServerSide, Event: e}, false)
	})
}

// ServerSideEmitWithAck is ServerSideEmit that waits for what the handlers of all other
// nodes return, see [Namespace.OnServerSideAck]. It returns the answers in the order in
// which they came, each with one argument; this node is not asked. It waits until ctx
// ends, at most five seconds: what came is returned even then, and the error is a
// [MissingError].
func (ns *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) (answers []Answer, err error) {
	e, err := marshal(event, args)
	if err != nil {
		return nil, err
	}
	err = ns.operator().each(func(b Broadcast) error {
		hear := func(a adapter.Answer) {
			answer := Answer{Node: a.Node, Args: valueOf(a.Value)}
			if a.Err != "" {
				answer.Err = errors.New(a.Err)
			}
			answers = append(answers, answer)
		}
		op := &adapter.Operation{Kind: adapter.ServerSide, Event: e}
		b.ns.mu.Lock()
		asked := b.ns.askOthers(ctx, op, false, hear)
		b.ns.mu.Unlock()
		return asked.wait(ctx).orNil()
	})
	return answers, err
}

// OnServerSide sets the handler of an event that other nodes send with
// ServerSideEmit. What they send in a namespace is handled one at a time, in the
// order in which it came; ctx ends when the server does. An error is logged. If
// 4,096 events wait for the handlers, those that follow are dropped, and that is
// logged.
func (ns *Namespace) OnServerSide(event string, f func(ctx context.Context, args Args) error) {
	ns.OnServerSideAck(event, func(ctx context.Context, args Args) (any, error) { return nil, f(ctx, args) })
}

// OnServerSideAck is OnServerSide for a handler whose result is the answer, if the
// other node waits for one. The text of an error goes to it, too, if it is not a
// Node.js server, which gets null. So does the answer that there is no handler.
func (ns *Namespace) OnServerSideAck(event string, f func(ctx context.Context, args Args) (any, error)) {
	ns.register(func(h *handlers) {
		h.serverSide = maps.Clone(h.serverSide)
		if h.serverSide == nil {
			h.serverSide = map[string]func(context.Context, Args) (any, error){}
		}
		h.serverSide[event] = f
	})
}

// maxInbox is how many events of other nodes may wait for their handlers.
const maxInbox = 4096

// A message is what another node says. Where it waits for an answer, reply takes that.
type message struct {
	event adapter.Event
	reply func(adapter.Answer) // may be nil
}

// answer answers the other node if it waits.
func (m message) answer(value adapter.Event, err error) {
	if m.reply == nil {
		return
	}
	a := adapter.Answer{Value: value}
	if err != nil {
		a = adapter.Answer{Value: adapter.Event{Data: []byte("null")}, Err: err.Error()}
	}
	m.reply(a)
}

var errInboxFull = errors.New("socketio: too many events of other nodes wait for their handlers")

// An inbox holds what other nodes say until the handlers have heard it.
type inbox struct {
	ns *Namespace // set once

	mu       sync.Mutex
	waiting  []message
	running  bool // a goroutine is at it
	dropping bool // since the inbox was full
}

// put adds a message. It is called by the adapter, whose Run is running.
func (b *inbox) put(m message) {
	if !b.add(m) {
		m.answer(adapter.Event{}, errInboxFull)
	}
}

func (b *inbox) add(m message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == maxInbox {
		if !b.dropping {
			b.ns.server.log.Error("events of other nodes are dropped: handlers are too slow", "namespace", b.ns.name)
		}
		b.dropping = true
		return false
	}
	b.dropping = false
	b.waiting = append(b.waiting, m)
	if !b.running {
		b.running = true
		b.ns.server.adapter.Go(b.run)
	}
	return true
}

// run handles what waits, and ends.
func (b *inbox) run() {
	for {
		b.mu.Lock()
		waiting := b.waiting
		b.waiting = nil
		b.running = len(waiting) > 0
		b.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		for _, m := range waiting {
			value, err := b.handle(m.event)
			if err != nil && !errors.Is(err, errNoHandler) && !errors.Is(err, errPanic) && b.ns.server.run.Err() == nil {
				b.ns.server.log.Warn("handler of another node's event failed", "namespace", b.ns.name, "error", err)
			}
			m.answer(value, err)
		}
	}
}

var errNoHandler = errors.New("socketio: no handler of this event")

// handle calls the handler of e and returns its result.
func (b *inbox) handle(e adapter.Event) (value adapter.Event, err error) {
	defer func() {
		if v := recover(); v != nil {
			b.ns.server.log.Error("handler of another node's event panicked",
				"namespace", b.ns.name, "panic", v, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	name, raw, err := packet.EventName(e.Data)
	if err != nil {
		return value, err
	}
	f := b.ns.handlers.Load().serverSide[name]
	if f == nil {
		return value, errNoHandler
	}
	result, err := f(b.ns.server.run, Args{raw: raw, attachments: e.Attachments})
	if err != nil {
		return value, err
	}
	return marshalValue(result)
}
