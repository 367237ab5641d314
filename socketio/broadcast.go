package socketio

import (
	"slices"

	"github.com/damso/damso/adapter"
)

// A Broadcast is an event on its way to many sockets: its methods say to which, and
// Emit sends it. It is a value, may be kept, and is safe for concurrent use; each
// method returns another one.
type Broadcast struct {
	ns     *Namespace
	rooms  []string
	except []string
	flags  adapter.Flags
	local  bool
}

// To adds the sockets in these rooms. Without any room, the broadcast goes to all
// of the namespace.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = slices.Concat(b.rooms, rooms)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except takes the sockets in these rooms out.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = slices.Concat(b.except, rooms)
	return b
}

// Local keeps the broadcast on this node.
func (b Broadcast) Local() Broadcast {
	b.local = true
	return b
}

// Volatile lets the event be dropped for clients that can't take it at once.
func (b Broadcast) Volatile() Broadcast {
	b.flags.Volatile = true
	return b
}

// NoCompress asks not to compress the event, which is worth while for what can't
// be made smaller, as pictures.
func (b Broadcast) NoCompress() Broadcast {
	b.flags.NoCompress = true
	return b
}

// Emit sends the event. It does not wait for anybody. The error says that an
// argument can't be encoded, or that the event's name is a reserved one. Binary
// arguments are not copied: they must not be changed afterwards.
func (b Broadcast) Emit(event string, args ...any) error {
	e, err := marshal(event, args)
	if err != nil {
		return err
	}
	if b.ns.accept == nil {
		b.send(e)
		return nil
	}
	return b.each(func(b Broadcast) error {
		b.send(e)
		return nil
	})
}

func (b Broadcast) send(e adapter.Event) {
	b.ns.broadcast(&adapter.Operation{
		Kind:   adapter.Broadcast,
		Rooms:  b.rooms,
		Except: b.except,
		Flags:  b.flags,
		Event:  e,
	}, b.local)
}
