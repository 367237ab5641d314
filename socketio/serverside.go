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

// OnServerSide sets the handler of an event that other nodes send with
// ServerSideEmit. What they send in a namespace is handled one at a time, in the
// order in which it came; ctx ends when the server does. An error is logged. If
// 4,096 events wait for the handlers, those that follow are dropped, and that is
// logged.
func (ns *Namespace) OnServerSide(event string, f func(ctx context.Context, args Args) error) {
	ns.register(func(h *handlers) {
		h.serverSide = maps.Clone(h.serverSide)
		if h.serverSide == nil {
			h.serverSide = map[string]func(context.Context, Args) error{}
		}
		h.serverSide[event] = f
	})
}

// maxInbox is how many events of other nodes may wait for their handlers.
const maxInbox = 4096

// An inbox holds what other nodes say until the handlers have heard it.
type inbox struct {
	ns *Namespace // set once

	mu       sync.Mutex
	waiting  []adapter.Event
	running  bool // a goroutine is at it
	dropping bool // since the inbox was full
}

// put adds an event. It is called by the adapter, whose Run is running.
func (b *inbox) put(e adapter.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == maxInbox {
		if !b.dropping {
			b.ns.server.log.Error("events of other nodes are dropped: handlers are too slow", "namespace", b.ns.name)
		}
		b.dropping = true
		return
	}
	b.dropping = false
	b.waiting = append(b.waiting, e)
	if !b.running {
		b.running = true
		b.ns.server.adapter.Go(b.run)
	}
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
		for _, e := range waiting {
			if err := b.handle(e); err != nil {
				b.ns.server.log.Warn("handler of another node's event failed", "namespace", b.ns.name, "error", err)
			}
		}
	}
}

func (b *inbox) handle(e adapter.Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			b.ns.server.log.Error("handler of another node's event panicked",
				"namespace", b.ns.name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	name, raw, err := packet.EventName(e.Data)
	if err != nil {
		return err
	}
	f := b.ns.handlers.Load().serverSide[name]
	if f == nil {
		return nil
	}
	ctx := b.ns.server.run
	if err := f(ctx, Args{raw: raw, attachments: e.Attachments}); err != nil && !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}
