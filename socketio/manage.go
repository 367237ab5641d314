package socketio

import (
	"cmp"
	"context"
	"fmt"

	"github.com/damso/damso/adapter"
)

// SocketsJoin puts the selected sockets into rooms, on all nodes. An error says that
// the other nodes will not do it; on this one it was done.
func (b Broadcast) SocketsJoin(rooms ...string) error {
	return b.command(adapter.Operation{Kind: adapter.Join, Names: rooms})
}

// SocketsLeave takes the selected sockets out of rooms, on all nodes. An error says
// that the other nodes will not do it; on this one it was done.
func (b Broadcast) SocketsLeave(rooms ...string) error {
	return b.command(adapter.Operation{Kind: adapter.Leave, Names: rooms})
}

// DisconnectSockets disconnects the selected sockets, on all nodes, as
// [Socket.Disconnect] does. An error says that the other nodes will not do it; on
// this one it was done.
func (b Broadcast) DisconnectSockets(closeConnections bool) error {
	return b.command(adapter.Operation{Kind: adapter.Disconnect, Close: closeConnections})
}

func (b Broadcast) command(op adapter.Operation) error {
	op.Rooms, op.Except = b.rooms, b.except
	return b.each(func(b Broadcast) error { return b.ns.command(&op, b.local) })
}

// LocalSockets returns the selected sockets of this node, in no particular order.
func (b Broadcast) LocalSockets() (sockets []*Socket) {
	_ = b.each(func(b Broadcast) error {
		b.ns.mu.Lock()
		defer b.ns.mu.Unlock()
		b.ns.members.each(b.rooms, b.except, func(s *Socket) { sockets = append(sockets, s) })
		return nil
	})
	return sockets
}

// FetchSockets returns the selected sockets of all nodes as they are at the moment,
// in no particular order.
//
// It asks this node only. With an adapter it returns [ErrOtherNodes], unless the
// broadcast is Local.
func (b Broadcast) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	if err := b.alone(); err != nil {
		return nil, err
	}
	sockets := b.LocalSockets()
	views := make([]RemoteSocket, 0, len(sockets))
	for _, s := range sockets {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("socketio: fetch sockets: %w", err)
		}
		if rooms := s.Rooms(); rooms != nil { // else it has just left
			views = append(views, RemoteSocket{ID: s.id, Handshake: s.Handshake(), Rooms: rooms, Data: s.Data(), ns: s.ns})
		}
	}
	return views, nil
}

// A RemoteSocket is a socket of any node as it was when it was asked for. Its methods
// act on the socket itself, wherever it is.
type RemoteSocket struct {
	ID        string
	Handshake Handshake
	Rooms     []string // its own id first
	Data      any      // what [Socket.SetData] was given

	ns *Namespace
}

func (r RemoteSocket) self() Broadcast { return r.ns.To(r.ID) }

// Emit sends an event to the client, see [Broadcast.Emit].
func (r RemoteSocket) Emit(event string, args ...any) error { return r.self().Emit(event, args...) }

// Join puts the socket into rooms, see [Broadcast.SocketsJoin].
func (r RemoteSocket) Join(rooms ...string) error { return r.self().SocketsJoin(rooms...) }

// Leave takes the socket out of rooms, see [Broadcast.SocketsLeave].
func (r RemoteSocket) Leave(rooms ...string) error { return r.self().SocketsLeave(rooms...) }

// Disconnect disconnects the socket, see [Broadcast.DisconnectSockets].
func (r RemoteSocket) Disconnect(closeConnection bool) error {
	return r.self().DisconnectSockets(closeConnection)
}

// SocketsJoin is [Broadcast.SocketsJoin] for all sockets of the namespace.
func (ns *Namespace) SocketsJoin(rooms ...string) error { return ns.operator().SocketsJoin(rooms...) }

// SocketsLeave is [Broadcast.SocketsLeave] for all sockets of the namespace.
func (ns *Namespace) SocketsLeave(rooms ...string) error { return ns.operator().SocketsLeave(rooms...) }

// DisconnectSockets is [Broadcast.DisconnectSockets] for all sockets of the namespace.
func (ns *Namespace) DisconnectSockets(closeConnections bool) error {
	return ns.operator().DisconnectSockets(closeConnections)
}

// FetchSockets is [Broadcast.FetchSockets] for all sockets of the namespace.
func (ns *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return ns.operator().FetchSockets(ctx)
}

// LocalSockets returns all sockets of the namespace on this node.
func (ns *Namespace) LocalSockets() []*Socket { return ns.operator().LocalSockets() }

// Socket returns the connected socket of this node with that id, or nil.
func (ns *Namespace) Socket(id string) (s *Socket) {
	_ = ns.operator().each(func(b Broadcast) error {
		b.ns.mu.Lock()
		defer b.ns.mu.Unlock()
		s = cmp.Or(b.ns.members.byID[id], s)
		return nil
	})
	return s
}

// command does what op says here, and unless local on the other nodes.
func (ns *Namespace) command(op *adapter.Operation, local bool) error {
	sockets, err := ns.change(op, local)
	if op.Kind != adapter.Disconnect {
		return err
	}
	for _, s := range sockets {
		s.Disconnect(op.Close)
	}
	return err
}

// change is command but for disconnecting. It returns the sockets that op selects.
func (ns *Namespace) change(op *adapter.Operation, local bool) (sockets []*Socket, err error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.members.each(op.Rooms, op.Except, func(s *Socket) { sockets = append(sockets, s) })
	for _, s := range sockets {
		for _, name := range op.Names {
			switch op.Kind {
			case adapter.Join:
				ns.members.join(s, name)
			case adapter.Leave:
				ns.members.leave(s, name)
			}
		}
	}
	return sockets, ns.publish(op, local)
}

// publish hands op to the other nodes, if there are any; mu is held.
func (ns *Namespace) publish(op *adapter.Operation, local bool) error {
	if ns.cluster == nil || local {
		return nil
	}
	if err := ns.cluster.Publish(op); err != nil {
		return fmt.Errorf("socketio: not on other nodes: %w", err)
	}
	return nil
}
