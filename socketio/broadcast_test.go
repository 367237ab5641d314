package socketio_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A crowd is some clients of one namespace and their sockets, in the same order.
type crowd struct {
	clients []*siotest.Client
	sockets []*socketio.Socket
}

func newCrowd(t testing.TB, ns *socketio.Namespace, clients *siotest.Server, n int) crowd {
	var c crowd
	sockets := joined(ns)
	for range n {
		c.clients = append(c.clients, clients.Join(ns.Name()))
		c.sockets = append(c.sockets, next(t, sockets))
	}
	return c
}

// want fails the test if the clients of these indexes do not get the text next,
// and the others do.
func (c crowd) want(t testing.TB, srv *socketio.Server, ns *socketio.Namespace, text string, indexes ...int) {
	t.Helper()
	if err := ns.Local().Emit("end"); err != nil {
		t.Error(err)
	}
	for i, client := range c.clients {
		if slices.Contains(indexes, i) {
			client.Want(text)
		}
		client.Want("2" + strings.TrimPrefix(ns.Name()+",", "/,") + `["end"]`)
	}
}

func TestBroadcast(t *testing.T) {
	for _, nsp := range []string{"/", "/chat"} {
		t.Run(nsp, func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			ns := srv.Of(nsp)
			c := newCrowd(t, ns, clients, 4)
			s := c.sockets
			s[0].Join("a", "b")
			s[1].Join("a")
			s[2].Join("b", "c")
			s[2].Join("c")
			s[2].Leave("c")
			s[3].Leave(s[3].ID()) // always in there
			text := "2" + strings.TrimPrefix(nsp+",", "/,") + `["e",1]`
			for _, test := range []struct {
				name string
				emit func(event string, args ...any) error
				want []int
			}{
				{"all", ns.Emit, []int{0, 1, 2, 3}},
				{"to no room", ns.To().Emit, []int{0, 1, 2, 3}},
				{"room", ns.To("a").Emit, []int{0, 1}},
				{"in room", ns.In("b").Emit, []int{0, 2}},
				{"two rooms", ns.To("a", "b").Emit, []int{0, 1, 2}},
				{"two rooms in steps", ns.To("a").To("b").In("a").Emit, []int{0, 1, 2}},
				{"left room", ns.To("c").Emit, nil},
				{"unknown room", ns.To("nobody").Emit, nil},
				{"id", ns.To(s[3].ID()).Emit, []int{3}},
				{"id and room", ns.To(s[0].ID(), "a").Emit, []int{0, 1}},
				{"except", ns.Except("a").Emit, []int{2, 3}},
				{"except id", ns.Except(s[0].ID()).Emit, []int{1, 2, 3}},
				{"room except", ns.To("a").Except("b").Emit, []int{1}},
				{"except two", ns.Except("a", "b").Emit, []int{3}},
				{"except in steps", ns.Except("a").Except(s[3].ID()).Emit, []int{2}},
				{"all except itself", s[0].Broadcast().Emit, []int{1, 2, 3}},
				{"room except itself", s[0].To("a", "b").Emit, []int{1, 2}},
				{"local", ns.Local().To("a").Emit, []int{0, 1}},
				{"volatile", ns.Volatile().To("a").Emit, []int{0, 1}},
			} {
				t.Run(test.name, func(t *testing.T) {
					if err := test.emit("e", 1); err != nil {
						t.Error(err)
					}
					c.want(t, srv, ns, text, test.want...)
				})
			}
		})
	}
}

// TestBroadcastIsValue uses one broadcast as the beginning of several.
func TestBroadcastIsValue(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	c := newCrowd(t, ns, clients, 3)
	for i, s := range c.sockets {
		s.Join(strconv.Itoa(i), "all")
	}
	rooms := make([]string, 1, 8)
	rooms[0] = "0"
	base := ns.To(rooms...)
	one, two := base.To("1"), base.To("2")
	but := ns.To("all").Except("0")
	butOne, butTwo := but.Except("1"), but.Except("2")
	rooms[0] = "2"
	for _, test := range []struct {
		b    socketio.Broadcast
		want []int
	}{{one, []int{0, 1}}, {two, []int{0, 2}}, {base, []int{0}}, {butOne, []int{2}}, {butTwo, []int{1}}, {but, []int{1, 2}}, {base.Volatile(), []int{0}}} {
		if err := test.b.Emit("e"); err != nil {
			t.Error(err)
		}
		c.want(t, srv, ns, `2["e"]`, test.want...)
	}
}

func TestBroadcastBinary(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		c := clients.Open(o)
		c.Join("/", "")
		if err := srv.Emit("e", map[string]any{"b": []byte{1, 2}}, []byte{}); err != nil {
			t.Error(err)
		}
		c.Want(`52-["e",{"b":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`)
		c.WantBinary([]byte{1, 2})
		c.WantBinary([]byte{})
	})
}

// TestBroadcastAfterDisconnect joins rooms with a socket that has left.
func TestBroadcastAfterDisconnect(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	ns := srv.Of("/")
	c := newCrowd(t, ns, clients, 2)
	s := c.sockets[0]
	s.Join("a")
	s.Disconnect(false)
	s.Join("b")
	if s.Rooms() != nil || ns.Sockets() != 1 {
		t.Errorf("is in %q; %d sockets", s.Rooms(), ns.Sockets())
	}
	for _, b := range []socketio.Broadcast{ns.To("a"), ns.To("b"), ns.To(s.ID()), ns.Local()} {
		if err := b.Emit("e"); err != nil {
			t.Error(err)
		}
	}
	c.clients[0].Want("1")
	_ = c.clients[0].Send("0/x,")
	c.clients[0].Want(`4/x,{"message":"Invalid namespace"}`)
	c.clients[1].Want(`2["e"]`)
}

// TestOneOrder broadcasts from many goroutines, to all, to rooms and to single
// sockets: of what two clients both get, they get all in the same order.
func TestOneOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		clients, rooms := rapid.IntRange(2, 5).Draw(rt, "clients"), rapid.IntRange(1, 4).Draw(rt, "rooms")
		senders := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(-1, rooms-1), 1, 20), 2, 6).Draw(rt, "rooms of each sender")
		checkOneOrder(t, rt, clients, rooms, senders)
	})
}

func checkOneOrder(t *testing.T, rt *rapid.T, n, rooms int, senders [][]int) {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()
	ns := srv.Of("/")
	c := newCrowd(t, ns, siotest.Listen(t, srv), n)
	for _, s := range c.sockets {
		for room := range rooms {
			if rapid.Bool().Draw(rt, "joins") {
				s.Join(strconv.Itoa(room))
			}
		}
	}
	var sending sync.WaitGroup
	for sender, targets := range senders {
		sending.Go(func() {
			for i, room := range targets {
				b := ns.Local()
				if room >= 0 {
					b = b.To(strconv.Itoa(room))
				}
				_ = b.Emit("e", fmt.Sprint(sender, "/", i))
			}
		})
	}
	sending.Wait()
	_ = ns.Emit("end")
	before := map[[2]string]bool{} // an event that somebody got before another one
	for _, client := range c.clients {
		var got []string
		for {
			text := client.Text()
			if text == `2["end"]` {
				break
			}
			for _, earlier := range got {
				if before[[2]string{text, earlier}] {
					rt.Fatalf("%s came before %s for one client, after it for another", text, earlier)
				}
				before[[2]string{earlier, text}] = true
			}
			got = append(got, text)
		}
		client.Close()
	}
}
