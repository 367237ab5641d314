package socketio

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

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
	return b.each(func(b Broadcast) error {
		_, err := b.ns.command(&op, b.local)
		return err
	})
}

// LocalSockets returns the selected sockets of this node, in no particular order.
func (b Broadcast) LocalSockets() (sockets []*Socket) {
	_ = b.each(func(b Broadcast) error {
		sockets = append(sockets, b.localSockets()...)
		return nil
	})
	return sockets
}

// localSockets is LocalSockets for one namespace.
func (b Broadcast) localSockets() (sockets []*Socket) {
	b.ns.mu.Lock()
	defer b.ns.mu.Unlock()
	b.ns.members.each(b.rooms, b.except, func(s *Socket) { sockets = append(sockets, s) })
	return sockets
}

// FetchSockets returns the selected sockets of all nodes as they are at the moment,
// in no particular order. Other nodes have until ctx ends to answer, at most five
// seconds: what came is returned even then, and the error is a [MissingError].
func (b Broadcast) FetchSockets(ctx context.Context) (sockets []RemoteSocket, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("socketio: fetch sockets: %w", err)
	}
	err = b.each(func(b Broadcast) error {
		var others []RemoteSocket
		op := &adapter.Operation{Kind: adapter.Fetch, Rooms: b.rooms, Except: b.except}
		asked := b.ns.askOthers(ctx, op, b.local, func(a adapter.Answer) {
			for _, s := range a.Sockets {
				others = append(others, b.ns.remote(s))
			}
		})
		for _, s := range b.LocalSockets() {
			if d, ok := s.describe(); ok {
				sockets = append(sockets, b.ns.remote(d))
			}
		}
		missing := asked.wait(ctx)
		sockets = append(sockets, others...)
		return missing.orNil()
	})
	return sockets, err
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

// AllRooms returns the names of the namespace's rooms on all nodes, with the ids of
// sockets, in no particular order, each once. It waits for the other nodes as
// [Broadcast.FetchSockets] does.
func (ns *Namespace) AllRooms(ctx context.Context) ([]string, error) {
	all := map[string]struct{}{}
	err := ns.operator().each(func(b Broadcast) error {
		var others []string
		asked := b.ns.askOthers(ctx, &adapter.Operation{Kind: adapter.Rooms}, false, func(a adapter.Answer) {
			others = append(others, a.Rooms...)
		})
		missing := asked.wait(ctx)
		for _, name := range append(b.ns.roomNames(), others...) {
			all[name] = struct{}{}
		}
		return missing.orNil()
	})
	return slices.Collect(maps.Keys(all)), err
}

// roomNames returns the names of the rooms on this node, with the ids of sockets.
func (ns *Namespace) roomNames() []string {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Keys(ns.members.rooms)), maps.Keys(ns.members.byID))
}

// ServerCount returns how many servers of the cluster have the namespace, this one
// included. Of dynamic namespaces, ask one.
func (ns *Namespace) ServerCount(ctx context.Context) (int, error) {
	if ns.cluster == nil {
		return 1, nil
	}
	n, err := ns.cluster.Servers(ctx)
	if err != nil {
		return 0, fmt.Errorf("socketio: count the servers: %w", err)
	}
	return n, nil
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

// command does what op says here, and unless local on the other nodes. It returns how
// many sockets of this node op selects.
func (ns *Namespace) command(op *adapter.Operation, local bool) (int, error) {
	sockets, err := ns.change(op, local)
	if op.Kind == adapter.Disconnect {
		for _, s := range sockets {
			s.Disconnect(op.Close)
		}
	}
	return len(sockets), err
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
