package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestCluster broadcasts over two nodes, from each of them. Clients 0 and 1 are on
// the one, 2 and 3 on the other; 1 and 3 are in room "a", 0 and 3 in "b".
func TestCluster(t *testing.T) {
	var bus memory.Bus
	var nodes [2]*socketio.Namespace
	var all crowd
	for i := range nodes {
		node := bus.Node()
		srv, clients := serve(t, socketio.Options{Adapter: node})
		nodes[i] = srv.Of("/chat")
		adaptertest.WaitReady(t, node)
		if err := srv.Ready(); err != nil {
			t.Error(err)
		}
		c := newCrowd(t, nodes[i], clients, 2)
		all.clients, all.sockets = append(all.clients, c.clients...), append(all.sockets, c.sockets...)
	}
	id := make([]string, 4)
	for i, s := range all.sockets {
		id[i] = s.ID()
		if i%2 == 1 {
			s.Join("a")
		}
		if i%3 == 0 {
			s.Join("b")
		}
	}
	tests := []struct {
		name string
		b    func(ns *socketio.Namespace) socketio.Broadcast
		want [2][]int // who gets what each node sends
	}{
		{"all", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To() }, [2][]int{{0, 1, 2, 3}, {0, 1, 2, 3}}},
		{"room", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To("a") }, [2][]int{{1, 3}, {1, 3}}},
		{"rooms", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To("a", "b") }, [2][]int{{0, 1, 3}, {0, 1, 3}}},
		{"room except room", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To("a").Except("b") }, [2][]int{{1}, {1}}},
		{"except", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Except("a") }, [2][]int{{0, 2}, {0, 2}}},
		{"ids", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To(id[0], id[2]) }, [2][]int{{0, 2}, {0, 2}}},
		{"except ids", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Except(id[0], id[2]) }, [2][]int{{1, 3}, {1, 3}}},
		{"local", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Local() }, [2][]int{{0, 1}, {2, 3}}},
		{"local room", func(ns *socketio.Namespace) socketio.Broadcast { return ns.To("a").Local() }, [2][]int{{1}, {3}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i, ns := range nodes {
				want := map[int]bool{}
				for _, client := range test.want[i] {
					want[client] = true
				}
				raw := socketio.Raw{JSON: []byte(`{"b":1.0,"a":"안녕","x":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{1, 255}}}
				if err := test.b(ns).Emit("e", raw); err != nil {
					t.Error(err)
				}
				_ = ns.Emit("end")
				for n, c := range all.clients {
					if want[n] {
						c.Want(`51-/chat,["e",{"b":1.0,"a":"안녕","x":{"_placeholder":true,"num":0}}]`)
						c.WantBinary([]byte{1, 255})
					}
					c.Want(`2/chat,["end"]`)
				}
			}
		})
	}
}

// A broken adapter reaches nobody.
type broken struct {
	err     error
	noSpace bool // namespaces can't be opened either
}

func (b broken) Open(string, adapter.Local) (adapter.Namespace, error) {
	if b.noSpace {
		return nil, b.err
	}
	return b, nil
}
func (b broken) Run(context.Context) error { return b.err }
func (b broken) Ready() error              { return b.err }
func (broken) Close()                      {}

func (b broken) Publish(*adapter.Operation) error     { return b.err }
func (b broken) Ask(*adapter.Query) error             { return b.err }
func (b broken) Servers(context.Context) (int, error) { return 0, b.err }
func (broken) Room(string, bool, bool)                {}

func TestBrokenAdapter(t *testing.T) {
	down := errors.New("the network is down")
	for _, b := range []broken{{err: down}, {err: down, noSpace: true}} {
		srv, clients := serve(t, socketio.Options{Adapter: b})
		if err := srv.Ready(); err != down {
			t.Errorf("Ready: %v", err)
		}
		c := newCrowd(t, srv.Of("/"), clients, 2)
		if err := srv.Emit("e", 1); err != nil {
			t.Errorf("Emit: %v", err)
		}
		c.want(t, srv, srv.Of("/"), `2["e",1]`, 0, 1)
	}
}

func TestReadyAlone(t *testing.T) {
	srv, _ := serve(t, socketio.Options{})
	if err := srv.Ready(); err != nil {
		t.Error(err)
	}
}

// TestApply carries out what another node asks for, also what this one can't know.
func TestApply(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	ns.Apply(&adapter.Operation{Kind: adapter.Broadcast, Event: adapter.Event{Data: []byte(`["nobody here"]`)}})
	c := newCrowd(t, ns, clients, 1)
	event := adapter.Event{Data: []byte(`["e"]`)}
	for _, op := range []*adapter.Operation{
		{}, {Kind: 200, Event: event},
		{Kind: adapter.Broadcast, Rooms: []string{"unknown"}, Event: event},
		{Kind: adapter.Broadcast, Except: []string{c.sockets[0].ID()}, Event: event},
		{Kind: adapter.Broadcast, Event: event},
	} {
		ns.Apply(op)
	}
	c.want(t, srv, ns, `2["e"]`, 0)
}

// TestFarewellReachesOthers shuts a node down whose handlers still have something
// to say.
func TestFarewellReachesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		one := newServer(t, socketio.Options{Adapter: bus.Node()})
		two := newServer(t, socketio.Options{Adapter: bus.Node()})
		synctest.Wait() // both run
		one.Of("/").OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) {
			_ = one.Emit("left", reason)
		})
		leaver, listener := siotest.Pipe(t, one).Join("/"), siotest.Pipe(t, two).Join("/")
		if err := one.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		leaver.WantEnd()
		listener.Want(`2["left","server shutting down"]`)
	})
}

// TestOneOrderOverNodes emits on one node from many goroutines: clients of both
// nodes see the same order.
func TestOneOrderOverNodes(t *testing.T) {
	var bus memory.Bus
	var listeners []*siotest.Client
	var first *socketio.Server
	for range 2 {
		node := bus.Node()
		srv, clients := serve(t, socketio.Options{Adapter: node})
		adaptertest.WaitReady(t, node)
		listeners = append(listeners, clients.Join("/"))
		if first == nil {
			first = srv
		}
	}
	const senders, events = 8, 50
	for sender := range senders {
		go func() {
			for i := range events {
				_ = first.Emit("e", fmt.Sprint(sender, "/", i))
			}
		}()
	}
	for range senders * events {
		if here, there := listeners[0].Text(), listeners[1].Text(); here != there {
			t.Fatalf("%s on one node, %s on the other", here, there)
		}
	}
}
