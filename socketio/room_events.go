package socketio

import "runtime/debug"

// A RoomChange is what can happen to a room, in the words of socket.io.
type RoomChange string

// What happens to rooms.
const (
	RoomCreated RoomChange = "create-room" // its first socket is about to join
	RoomJoined  RoomChange = "join-room"
	RoomLeft    RoomChange = "leave-room"
	RoomDeleted RoomChange = "delete-room" // its last socket has left
)

// A RoomEvent is something that happened to a room on this node.
type RoomEvent struct {
	Change RoomChange
	Room   string
	Socket *Socket // who joined or left; nil for the room itself
}

// OnRoom adds a function that is told what happens to the namespace's rooms on this
// node. The rooms of sockets' own ids are not among them.
//
// It is called at the moment when it happens, in order, while the namespace is
// locked: it must neither wait nor call methods of the namespace, of a broadcast or
// of a socket, [Socket.ID] excepted. What takes longer it hands to a goroutine.
func (ns *Namespace) OnRoom(f func(RoomEvent)) {
	ns.register(func(h *handlers) { h.rooms = append(h.rooms[:len(h.rooms):len(h.rooms)], f) })
}

// tell tells who watches; the namespace's mu is held.
func (m *membership) tell(change RoomChange, r *room, s *Socket) {
	if m.watch != nil {
		m.watch(RoomEvent{change, r.name, s})
	}
}

// tellRoom calls the functions of OnRoom. A panic must not leave the rooms half
// changed.
func (ns *Namespace) tellRoom(e RoomEvent) {
	defer func() {
		if v := recover(); v != nil {
			ns.server.log.Error("OnRoom panicked", "namespace", ns.name, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	for _, f := range ns.handlers.Load().rooms {
		f(e)
	}
}
