package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// twoNodes returns a namespace of two nodes, with a client and its socket on each.
func twoNodes(t *testing.T) (nodes [2]*socketio.Namespace, clients [2]*siotest.Client, sockets [2]*socketio.Socket) {
	var bus memory.Bus
	for i := range nodes {
		node := bus.Node()
		srv, listener := serve(t, socketio.Options{Adapter: node})
		nodes[i] = srv.Of("/")
		adaptertest.WaitReady(t, node)
		all := joined(nodes[i])
		clients[i] = listener.Join("/")
		sockets[i] = next(t, all)
	}
	return nodes, clients, sockets
}

// TestSocketsJoin moves the sockets of two nodes from one of them. A broadcast that
// follows finds them there.
func TestSocketsJoin(t *testing.T) {
	nodes, clients, sockets := twoNodes(t)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ok(nodes[0].SocketsJoin("a", "b"))
	ok(nodes[0].To("a").Emit("1"))
	ok(nodes[0].To("a").Except(sockets[0].ID()).SocketsLeave("a", "nowhere"))
	ok(nodes[0].To("a").Emit("2"))
	ok(nodes[0].To("b").Emit("3"))
	ok(nodes[0].To("b").Local().SocketsLeave("b"))
	ok(nodes[0].To("b").Emit("4"))
	ok(nodes[0].SocketsLeave("b"))
	ok(nodes[0].To("b").Emit("5"))
	ok(nodes[0].Emit("end"))
	clients[0].Want(`2["1"]`, `2["2"]`, `2["3"]`, `2["end"]`)
	clients[1].Want(`2["1"]`, `2["3"]`, `2["4"]`, `2["end"]`)
	if got := sockets[1].Rooms(); !slices.Equal(got, []string{sockets[1].ID()}) {
		t.Errorf("rooms: %q", got)
	}
}

func TestDisconnectSockets(t *testing.T) {
	nodes, clients, sockets := twoNodes(t)
	ends := gone(nodes[1])
	if err := nodes[0].To(sockets[1].ID()).DisconnectSockets(false); err != nil {
		t.Error(err)
	}
	clients[1].Want("1")
	if reason := next(t, ends); reason != socketio.ServerNamespaceDisconnect {
		t.Error(reason)
	}
	clients[1].Join("/", "")
	if err := nodes[0].DisconnectSockets(true); err != nil {
		t.Error(err)
	}
	clients[0].WantEnd("1")
	clients[1].WantEnd("1")
}

func TestFetchSockets(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	all := joined(ns)
	a := clients.Open(siotest.Options{Query: "name=a"})
	a.Join("/", "")
	sa := next(t, all)
	clients.Join("/")
	next(t, all)
	sa.Join("room")
	sa.SetData(42)
	if views, err := ns.FetchSockets(t.Context()); err != nil || len(views) != 2 || len(ns.LocalSockets()) != 2 {
		t.Errorf("%d sockets, %v", len(views), err)
	}
	if ns.Socket(sa.ID()) != sa || ns.Socket("room") != nil {
		t.Error("Socket found the wrong one")
	}
	views, err := ns.To("room").FetchSockets(t.Context())
	if err != nil || len(views) != 1 {
		t.Fatalf("%d sockets, %v", len(views), err)
	}
	v := views[0]
	if v.ID != sa.ID() || string(v.Data.JSON) != "42" || v.Handshake.Query.Get("name") != "a" || !slices.Equal(v.Rooms, sa.Rooms()) {
		t.Errorf("%+v", v)
	}
	err = errors.Join(v.Emit("hello"), v.Join("x"), v.Leave("room"))
	if got := sa.Rooms(); err != nil || !slices.Equal(got, []string{sa.ID(), "x"}) {
		t.Error(got, err)
	}
	if err := v.Disconnect(true); err != nil {
		t.Error(err)
	}
	a.WantEnd(`2["hello"]`, "1")
	if _, err := ns.FetchSockets(canceled()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOnRoom notes the life of rooms, in order.
func TestOnRoom(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	var j journal
	ns.OnRoom(func(e socketio.RoomEvent) {
		id := "-"
		if e.Socket != nil {
			id = e.Socket.ID()
		}
		j.note("%s %s %s", e.Change, e.Room, id)
	})
	ns.OnRoom(func(socketio.RoomEvent) { panic("and the rooms stay whole") })
	all, ends := joined(ns), gone(ns)
	a := clients.Join("/")
	sa := next(t, all)
	clients.Join("/")
	sb := next(t, all)
	sa.Join("x", "x")
	sb.Join("x")
	sb.Leave("x")
	sb.Leave("x")
	sb.Join(sb.ID())
	_ = a.Send("1")
	next(t, ends)
	want := []string{
		"create-room x -", "join-room x " + sa.ID(), "join-room x " + sb.ID(), "leave-room x " + sb.ID(),
		"leave-room x " + sa.ID(), "delete-room x -",
	}
	if got := j.read(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestServerSideEmit: the others get it, in order; errors and panics hurt nobody.
func TestServerSideEmit(t *testing.T) {
	nodes, _, _ := twoNodes(t)
	got := make(chan string, 100)
	for i, ns := range nodes {
		ns.OnServerSide("n", func(_ context.Context, args socketio.Args) error {
			var n int
			var b []byte
			err := args.Decode(&n, &b)
			got <- fmt.Sprint("node ", i, " ", n, " ", b, " ", err)
			if n == 3 {
				panic("three")
			}
			return errors.New("no")
		})
	}
	for n := range 10 {
		if err := nodes[0].ServerSideEmit("n", n, []byte{byte(n)}); err != nil {
			t.Error(err)
		}
	}
	_ = nodes[0].ServerSideEmit("unknown")
	for n := range 10 {
		if got, want := next(t, got), fmt.Sprintf("node 1 %d [%d] <nil>", n, n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	nothing(t, got)
	if nodes[0].ServerSideEmit("disconnect") == nil {
		t.Error("a reserved name is no error")
	}
	if err := newServer(t, socketio.Options{}).Of("/").ServerSideEmit("n"); err != nil {
		t.Error(err)
	}
}

// simple is an adapter that knows broadcasts only.
type simple struct{ adapter.Adapter }

func (s simple) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	n, err := s.Adapter.Open(nsp, local)
	return simpleNamespace{n}, err
}

type simpleNamespace struct{ adapter.Namespace }

func (n simpleNamespace) Publish(op *adapter.Operation) error {
	if op.Kind != adapter.Broadcast {
		return adapter.ErrKind
	}
	return n.Namespace.Publish(op)
}

func (simpleNamespace) Ask(*adapter.Query) error             { return adapter.ErrKind }
func (simpleNamespace) Servers(context.Context) (int, error) { return 0, adapter.ErrKind }

// TestSimpleAdapter: what an adapter does not know is done here, and an error says
// that it is not done elsewhere.
func TestSimpleAdapter(t *testing.T) {
	var bus memory.Bus
	srv, clients := serve(t, socketio.Options{Adapter: simple{bus.Node()}})
	ns := srv.Of("/")
	all := joined(ns)
	c := clients.Join("/")
	s := next(t, all)
	for name, err := range map[string]error{
		"join":  ns.SocketsJoin("a"),
		"leave": ns.To("a").SocketsLeave("a"),
		"tell":  ns.ServerSideEmit("e"),
	} {
		if !errors.Is(err, adapter.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	asks := map[string]func() error{
		"fetch": func() error { _, err := ns.FetchSockets(t.Context()); return err },
		"rooms": func() error { _, err := ns.AllRooms(t.Context()); return err },
		"tell":  func() error { _, err := ns.ServerSideEmitWithAck(t.Context(), "e"); return err },
		"count": func() error { _, err := ns.ServerCount(t.Context()); return err },
	}
	for name, ask := range asks {
		if err := ask(); !errors.Is(err, adapter.ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sockets, err := ns.Local().FetchSockets(t.Context()); err != nil || len(sockets) != 1 {
		t.Errorf("%d sockets of this node, %v", len(sockets), err)
	}
	s.Join("b")
	if err := ns.To("b").DisconnectSockets(false); !errors.Is(err, adapter.ErrKind) {
		t.Error(err)
	}
	c.Want("1")
	if err := ns.Local().DisconnectSockets(false); err != nil {
		t.Error(err)
	}
}
