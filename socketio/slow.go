package socketio

import (
	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// A SlowPolicy says what happens to an event for a client that is too slow for it: one
// whose outbox ([engineio.Options.MaxBuffer]) is full. Acknowledgements, events that
// want one, and what makes and ends connections are never dropped.
type SlowPolicy = engineio.SlowPolicy

// Policies. See those of package engineio.
const (
	CloseSlow  = engineio.CloseSlow  // ends the connection; the default
	DropOldest = engineio.DropOldest // drops waiting events, the oldest first
	DropNewest = engineio.DropNewest // drops the event
	KeepLatest = engineio.KeepLatest // drops the waiting event of the same key
)

// IfSlow sets the policy of the namespace's events that have none of their own, for
// [Socket.Emit] and broadcasts, those of other nodes too. The key of [KeepLatest] is
// the event's name.
func (ns *Namespace) IfSlow(p SlowPolicy) {
	ns.register(func(h *handlers) { h.slow = p })
}

// IfSlow sets the policy of this broadcast. The key of [KeepLatest] is the event's
// name. Over Redis, other nodes use the policy of their namespace, as there is no
// place for it on the wire.
func (b Broadcast) IfSlow(p SlowPolicy) Broadcast {
	b.flags.Slow, b.flags.SlowKey = uint8(p)+1, ""
	return b
}

// KeepLatest is IfSlow with that policy and a key: of the events of one namespace and
// key, a client that can't take them at once gets the last one only.
func (b Broadcast) KeepLatest(key string) Broadcast {
	b.flags.Slow, b.flags.SlowKey = uint8(KeepLatest)+1, key
	return b
}

// SlowStats counts what clients have not got because they are too slow.
func (s *Server) SlowStats() engineio.SlowStats { return s.engine.SlowStats() }

// ifSlow sets the policy of a message for e that nobody has been sent yet.
func (ns *Namespace) ifSlow(m *engineio.Message, e adapter.Event, flags adapter.Flags) {
	p := ns.handlers.Load().slow
	if flags.Slow > 0 {
		p = SlowPolicy(flags.Slow - 1)
	}
	if p == CloseSlow {
		return
	}
	key := ""
	if p == KeepLatest { // a session carries several namespaces
		if key = flags.SlowKey; key == "" {
			key, _, _ = packet.EventName(e.Data)
		}
		key = ns.name + "," + key
	}
	m.IfSlow(p, key)
}
