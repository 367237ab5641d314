package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A cluster is some nodes with one client each.
type cluster struct {
	bus     memory.Bus
	nodes   []*socketio.Namespace
	clients []*siotest.Client
	sockets []*socketio.Socket
}

// newCluster returns a cluster of n nodes that clients reach by listen.
func newCluster(t *testing.T, n int, listen func(testing.TB, http.Handler) *siotest.Server) *cluster {
	c := &cluster{}
	for i := range n {
		node := c.bus.Node()
		srv := newServer(t, socketio.Options{Adapter: node})
		listener := listen(t, srv)
		ns := srv.Of("/")
		adaptertest.WaitReady(t, node)
		all := joined(ns)
		c.clients = append(c.clients, listener.Open(siotest.Options{Query: fmt.Sprint("name=", i)}))
		c.clients[i].Join("/", `{"token":"안녕"}`)
		c.nodes, c.sockets = append(c.nodes, ns), append(c.sockets, next(t, all))
	}
	return c
}

// TestFetchSocketsCluster: sockets of all nodes, as they are there.
func TestFetchSocketsCluster(t *testing.T) {
	c := newCluster(t, 3, siotest.Listen)
	type profile struct {
		Name  string
		Photo []byte
	}
	c.sockets[1].SetData(profile{"바둑이", []byte{1, 2}})
	c.sockets[2].SetData(func() {}) // can't be encoded
	c.sockets[1].Join("room")
	c.sockets[2].Join("room", "7")
	for name, test := range map[string]struct {
		b    socketio.Broadcast
		want []int
	}{
		"all":    {c.nodes[0].To(), []int{0, 1, 2}},
		"room":   {c.nodes[0].To("room"), []int{1, 2}},
		"except": {c.nodes[0].To("room").Except("7"), []int{1}},
		"id":     {c.nodes[0].To(c.sockets[2].ID()), []int{2}},
		"local":  {c.nodes[0].Local(), []int{0}},
		"nobody": {c.nodes[0].To("empty"), nil},
	} {
		sockets, err := test.b.FetchSockets(t.Context())
		if err != nil || len(sockets) != len(test.want) {
			t.Errorf("%s: %d sockets, %v", name, len(sockets), err)
		}
		for _, s := range sockets {
			i := slices.IndexFunc(c.sockets, func(o *socketio.Socket) bool { return o.ID() == s.ID })
			if !slices.Contains(test.want, i) {
				t.Errorf("%s: socket %d is there", name, i)
				continue
			}
			rooms := slices.Sorted(slices.Values(s.Rooms))
			want, here := slices.Sorted(slices.Values(c.sockets[i].Rooms())), c.sockets[i].Handshake()
			if h := s.Handshake; !slices.Equal(rooms, want) || h.Query.Get("name") != fmt.Sprint(i) || string(h.Auth) != `{"token":"안녕"}` ||
				h.Address != here.Address || h.URL != here.URL || !h.Time.Equal(here.Time.Truncate(time.Millisecond)) ||
				h.Header.Get("Upgrade") != here.Header.Get("Upgrade") {
				t.Errorf("%s: %+v", name, s)
			}
			var p profile
			if err := s.DecodeData(&p); err != nil || (p.Name == "바둑이" && string(p.Photo) == "\x01\x02") != (i == 1) {
				t.Errorf("%s: data of %d: %+v, %v", name, i, p, err)
			}
			_ = s.Emit("found", name)
			c.clients[i].Want(fmt.Sprintf("2[\"found\",%q]", name))
		}
	}
}

// A result is what EmitWithAck returns.
type result struct {
	answers []socketio.Answer
	err     error
}

func askAll(ctx context.Context, b socketio.Broadcast) chan result {
	done := make(chan result, 1)
	go func() {
		answers, err := b.EmitWithAck(ctx, "q", []byte{7})
		done <- result{answers, err}
	}()
	return done
}

// TestBroadcastEmitWithAckCluster: the answers of the clients of all nodes.
func TestBroadcastEmitWithAckCluster(t *testing.T) {
	c := newCluster(t, 3, siotest.Listen)
	c.sockets[0].Join("room")
	c.sockets[2].Join("room")
	done := askAll(t.Context(), c.nodes[1].To("room"))
	for _, i := range []int{0, 2} {
		c.clients[i].Want(`51-0["q",{"_placeholder":true,"num":0}]`)
		c.clients[i].WantBinary([]byte{7})
		_ = c.clients[i].Send(fmt.Sprintf(`61-0[%d,{"_placeholder":true,"num":0}]`, i), []byte{byte(i)})
	}
	r := next(t, done)
	if r.err != nil || len(r.answers) != 2 {
		t.Fatalf("%d answers, %v", len(r.answers), r.err)
	}
	for _, a := range r.answers {
		i := slices.IndexFunc(c.sockets, func(s *socketio.Socket) bool { return s.ID() == a.Socket })
		var n int
		var b []byte
		if err := a.Args.Decode(&n, &b); err != nil || n != i || !bytes.Equal(b, []byte{byte(i)}) || a.Node == "" {
			t.Errorf("answer of %d: %d %x %v from node %q", i, n, b, err, a.Node)
		}
	}
}

// TestMissingAcks: who does not answer in time is counted, what came is there.
func TestMissingAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, siotest.Pipe)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		done := askAll(ctx, c.nodes[0].To())
		for _, client := range c.clients {
			client.Want(`51-0["q",{"_placeholder":true,"num":0}]`)
			client.WantBinary([]byte{7})
		}
		_ = c.clients[1].Send(`30["yes"]`)
		r := <-done
		var missing *socketio.MissingError
		if !errors.As(r.err, &missing) || !errors.Is(r.err, context.DeadlineExceeded) || len(r.answers) != 1 {
			t.Fatalf("%d answers, %v", len(r.answers), r.err)
		}
		if missing.Asked != 3 || missing.Clients != 1 || !slices.Equal(missing.Sockets, []string{c.sockets[0].ID()}) || len(missing.Nodes) != 0 {
			t.Errorf("%+v", missing)
		}
	})
}

// TestServerSideEmitWithAck: each other node answers with what its handler returns.
func TestServerSideEmitWithAck(t *testing.T) {
	c := newCluster(t, 4, siotest.Listen)
	c.nodes[0].OnServerSideAck("sum", func(context.Context, socketio.Args) (any, error) {
		t.Error("a node asked itself")
		return nil, nil
	})
	c.nodes[1].OnServerSideAck("sum", func(_ context.Context, args socketio.Args) (any, error) {
		var a, b int
		err := args.Decode(&a, &b)
		return []any{a + b, []byte("whole")}, err
	})
	c.nodes[2].OnServerSideAck("sum", func(context.Context, socketio.Args) (any, error) { panic("no") })
	answers, err := c.nodes[0].ServerSideEmitWithAck(t.Context(), "sum", 1, 2)
	if err != nil || len(answers) != 3 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	failed := 0
	for _, a := range answers {
		if a.Node == "" || a.Socket != "" || a.Args.Len() != 1 {
			t.Errorf("%+v", a)
		}
		if a.Err != nil {
			failed++ // the one that panicked, and the one without a handler
			continue
		}
		var sum int
		var text []byte
		if err := a.Args.Decode(&[]any{&sum, &text}); err != nil || sum != 3 || string(text) != "whole" {
			t.Errorf("%d %q %v", sum, text, err)
		}
	}
	if failed != 2 {
		t.Errorf("%d nodes failed, want 2", failed)
	}
	if answers, err := newServer(t, socketio.Options{}).Of("/").ServerSideEmitWithAck(t.Context(), "sum"); err != nil || answers != nil {
		t.Errorf("alone: %v, %v", answers, err)
	}
}

// TestAllRooms: the rooms of all nodes, and how many nodes there are.
func TestAllRooms(t *testing.T) {
	c := newCluster(t, 3, siotest.Listen)
	c.sockets[0].Join("a")
	c.sockets[1].Join("a", "b")
	rooms, err := c.nodes[2].AllRooms(t.Context())
	want := []string{"a", "b", c.sockets[0].ID(), c.sockets[1].ID(), c.sockets[2].ID()}
	slices.Sort(rooms)
	slices.Sort(want)
	if err != nil || !slices.Equal(rooms, want) {
		t.Errorf("%q, %v, want %q", rooms, err, want)
	}
	if n, err := c.nodes[0].ServerCount(t.Context()); err != nil || n != 3 {
		t.Errorf("%d servers, %v", n, err)
	}
	if n, err := newServer(t, socketio.Options{}).Of("/").ServerCount(t.Context()); err != nil || n != 1 {
		t.Errorf("alone: %d servers, %v", n, err)
	}
}

// roomJournal is an adapter that notes which rooms have somebody here.
type roomJournal struct {
	adapter.Adapter
	notes *journal
}

func (r roomJournal) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	n, err := r.Adapter.Open(nsp, local)
	return roomJournalNamespace{n, r.notes}, err
}

type roomJournalNamespace struct {
	adapter.Namespace
	notes *journal
}

func (n roomJournalNamespace) Room(name string, own, here bool) {
	n.notes.note("%s own=%v here=%v", name, own, here)
}

// TestWants: the adapter is told of rooms when they begin and end, and not of what
// happens in between. A client that is away keeps its rooms.
func TestWants(t *testing.T) {
	var bus memory.Bus
	var notes journal
	srv, clients := serve(t, socketio.Options{
		Adapter: roomJournal{bus.Node(), &notes}, Recovery: &socketio.Recovery{MaxDisconnection: time.Hour},
	})
	ns := srv.Of("/")
	all, ends := joined(ns), gone(ns)
	a := clients.Join("/")
	sa := next(t, all)
	b := clients.Join("/")
	sb := next(t, all)
	sa.Join("x")
	sb.Join("x", "y")
	sa.Leave("x")
	sb.Leave("y")
	a.Close() // is away
	next(t, ends)
	_ = b.Send("1") // has left
	next(t, ends)
	want := []string{
		sa.ID() + " own=true here=true", sb.ID() + " own=true here=true", "x own=false here=true", "y own=false here=true",
		"y own=false here=false", sb.ID() + " own=true here=false", "x own=false here=false",
	}
	got := notes.read()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
