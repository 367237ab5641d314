package socketio

import (
	"bytes"
	"context"
	"slices"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// maxAsked is how many broadcasts of other nodes may wait for acknowledgements of
// clients at a time. What is more is not sent.
const maxAsked = 10_000

// Answer is Apply for an operation whose sender wants to know what came of it. It is
// called by the adapter.
func (ns *Namespace) Answer(op *adapter.Operation, reply func(adapter.Answer)) {
	switch op.Kind {
	case adapter.Broadcast:
		ns.answerAcks(op, reply)
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		n, _ := ns.command(op, true)
		reply(adapter.Answer{Count: n})
	case adapter.ServerSide:
		ns.inbox.put(message{op.Event, reply})
	case adapter.Fetch:
		ns.answerFetch(op, reply)
	case adapter.Rooms:
		reply(adapter.Answer{Rooms: ns.roomNames()})
	default:
		reply(adapter.Answer{})
	}
}

// Wants says whether a broadcast to room has anybody to go to. It is called by the
// adapter.
func (ns *Namespace) Wants(room string) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return !ns.members.selectsNone([]string{room}) || ns.history.awaits() || ns.stream.awaits()
}

// answerAcks sends another node's broadcast to clients here and passes their
// acknowledgements on.
func (ns *Namespace) answerAcks(op *adapter.Operation, reply func(adapter.Answer)) {
	if ns.asked.Add(1) > maxAsked {
		ns.asked.Add(-1)
		reply(adapter.Answer{})
		return
	}
	ctx, cancel := context.WithTimeout(ns.server.run, op.Timeout)
	q := ns.ask(ctx, Broadcast{ns: ns, rooms: op.Rooms, except: op.Except, flags: op.Flags, local: true}, op.Event)
	reply(adapter.Answer{Count: len(q.open)})
	ns.server.adapter.Go(func() {
		defer ns.asked.Add(-1)
		defer cancel()
		q.collect(ctx, func(a answer) {
			reply(adapter.Answer{Ack: true, Socket: a.socket.id, Value: a.args.event()})
		})
	})
}

// answerFetch describes the sockets of this node that op selects.
func (ns *Namespace) answerFetch(op *adapter.Operation, reply func(adapter.Answer)) {
	sockets := Broadcast{ns: ns, rooms: op.Rooms, except: op.Except}.localSockets()
	if len(sockets) == 0 {
		reply(adapter.Answer{})
		return
	}
	ns.server.adapter.Go(func() {
		all := make([]adapter.Socket, 0, len(sockets))
		for _, s := range sockets {
			if op.Brief {
				all = append(all, adapter.Socket{ID: s.id})
			} else if d, ok := s.describe(); ok {
				all = append(all, d)
			}
		}
		reply(adapter.Answer{Sockets: all})
	})
}

// event returns the arguments as one JSON array.
func (a Args) event() adapter.Event {
	data := slices.Concat([]byte{'['}, bytes.Join(a.raw, []byte{','}), []byte{']'})
	return adapter.Event{Data: data, Attachments: a.attachments}
}

// arguments is the opposite of event. What is no array has no arguments.
func arguments(e adapter.Event) Args {
	raw, err := packet.Split(e.Data)
	if err != nil {
		return Args{}
	}
	return Args{raw: raw, attachments: e.Attachments}
}

// valueOf returns one value as the only argument, and none if there is no value.
func valueOf(e adapter.Event) Args {
	if len(e.Data) == 0 {
		return Args{}
	}
	return Args{raw: [][]byte{e.Data}, attachments: e.Attachments}
}
