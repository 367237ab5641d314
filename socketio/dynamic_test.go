package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

var rooms = regexp.MustCompile(`^/room-[0-9]+$`)

// TestOfPattern: children have the parent's middlewares and handlers, also those
// that come later; what is sent to the parent reaches all of them, what is sent to a
// child reaches that one.
func TestOfPattern(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		parent := srv.OfPattern(rooms)
		parent.Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Namespace().Name() == "/room-13" {
				return errors.New("there is none")
			}
			return nil
		})
		all := joined(parent)
		socketio.OnAck(parent, "where", func(_ context.Context, s *socketio.Socket, _ socketio.Args) (string, error) {
			return s.Namespace().Name(), nil
		})
		c := clients.Open(o)
		c.Join("/", "")
		var sockets []*socketio.Socket
		for i := range 2 {
			nsp := fmt.Sprint("/room-", i)
			c.Join(nsp, "")
			sockets = append(sockets, next(t, all))
			c.Emit(nsp, `1["where"]`)
			c.Want(fmt.Sprintf(`3%s,1["%s"]`, nsp, nsp))
		}
		_ = c.Send("0/room-13")
		refusal := `4/room-13,{"message":"there is none"}`
		if o.Protocol == 3 {
			refusal = `4/room-13,"there is none"`
		}
		c.Want(refusal)
		_ = c.Send("0/room-x")
		refusal = `4/room-x,{"message":"Invalid namespace"}`
		if o.Protocol == 3 {
			refusal = `4/room-x,"Invalid namespace"`
		}
		c.Want(refusal)

		socketio.OnAck(parent, "later", func(context.Context, *socketio.Socket, socketio.Args) (int, error) { return 1, nil })
		c.Emit("/room-1", `2["later"]`)
		c.Want(`3/room-1,2[1]`)

		if parent.Sockets() != 2 || len(parent.LocalSockets()) != 2 || parent.Socket(sockets[1].ID()) != sockets[1] {
			t.Error("the parent does not know its children's sockets")
		}
		_ = parent.SocketsJoin("a")
		sockets[0].Leave("a")
		_ = parent.To("a").Emit("a")
		_ = sockets[0].Namespace().Emit("b")
		_ = parent.Emit("all")
		c.Want(`2/room-1,["a"]`, `2/room-0,["b"]`, `2/room-0,["all"]`, `2/room-1,["all"]`)
	})
}

// TestOfPatternEmitWithAck asks the clients of all children at once.
func TestOfPatternEmitWithAck(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	parent := srv.OfPattern(rooms)
	ends := gone(parent)
	a, b := clients.Join("/room-1"), clients.Join("/room-2")
	go func() {
		a.Want(`2/room-1,0["q"]`)
		_ = a.Send(`3/room-1,0[1]`)
		b.Want(`2/room-2,0["q"]`)
		b.Close()
	}()
	answers, err := parent.EmitWithAck(t.Context(), "q")
	var missing *socketio.MissingError
	if !errors.As(err, &missing) || missing.Asked != 2 || len(missing.Sockets) != 1 || len(answers) != 1 {
		t.Errorf("%d answers, %v", len(answers), err)
	}
	next(t, ends)
}

func TestOfFunc(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	static := srv.Of("/team")
	parent := srv.OfFunc(func(name string, auth json.RawMessage) bool {
		return name != "/" && string(auth) == `{"key":1}`
	})
	other := srv.OfPattern(regexp.MustCompile("."))
	if srv.Of("/made").Name() != "/made" || srv.Of("/team") != static {
		t.Error("Of made the wrong namespace")
	}
	c := clients.Open(siotest.Options{})
	c.Join("/team", "")
	c.Join("/x", `{"key":1}`)
	c.Join("/made", "")
	if static.Sockets() != 1 || parent.Sockets() != 1 || other.Sockets() != 1 {
		t.Errorf("%d, %d, %d sockets", static.Sockets(), parent.Sockets(), other.Sockets())
	}
}

// TestMaxDynamicNamespaces: names that anybody may think of must not fill the memory.
func TestMaxDynamicNamespaces(t *testing.T) {
	srv, clients := serve(t, socketio.Options{MaxDynamicNamespaces: 2, CleanupEmptyChildNamespaces: true})
	ends := gone(srv.OfPattern(rooms))
	c := clients.Open(siotest.Options{})
	c.Join("/room-1", "")
	c.Join("/room-2", "")
	_ = c.Send("0/room-3")
	c.Want(`4/room-3,{"message":"Too many namespaces"}`)
	_ = c.Send("1/room-1")
	next(t, ends)
	_ = c.Send("2/room-1,[\"late\"]") // is forgiven, though the namespace is gone
	for {                             // it goes when the handlers are done, which is soon
		_ = c.Send("0/room-3")
		if text := c.Text(); text != `4/room-3,{"message":"Too many namespaces"}` {
			break
		}
	}
}

// TestCleanup: a namespace that became empty is gone on this node, its adapter too,
// and may come back; without the option it stays.
func TestCleanup(t *testing.T) {
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprint(clean), func(t *testing.T) {
			var bus memory.Bus
			node, other := bus.Node(), bus.Node()
			adaptertest.Launch(t, other)
			srv, clients := serve(t, socketio.Options{Adapter: node, CleanupEmptyChildNamespaces: clean})
			adaptertest.WaitReady(t, node)
			far, err := other.Open("/room-1", nil)
			if err != nil {
				t.Fatal(err)
			}
			parent := srv.OfPattern(rooms)
			all, ends := joined(parent), gone(parent)
			before := (*socketio.Namespace)(nil)
			for round := range 5 {
				c := clients.Join("/room-1")
				ns := next(t, all).Namespace()
				if same := ns == before; round > 0 && same == clean {
					t.Errorf("round %d: same %v", round, same)
				}
				before = ns
				if err := far.Publish(adaptertest.Event("e", round)); err != nil {
					t.Error(err)
				}
				c.Want(fmt.Sprintf(`2/room-1,["e",%d]`, round))
				c.Close()
				next(t, ends)
				for clean && node.Ready() == nil {
					n, err := node.Open("/room-1", nil)
					if err == nil { // free: it was closed
						n.Close()
						break
					}
				}
			}
		})
	}
}

// TestCleanupRaces lets clients come and go where a namespace ends with each.
func TestCleanupRaces(t *testing.T) {
	var bus memory.Bus
	srv, clients := serve(t, socketio.Options{Adapter: bus.Node(), CleanupEmptyChildNamespaces: true})
	parent := srv.OfPattern(rooms)
	parent.Handle("e", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
		_ = s.Namespace().Emit("all")
		_ = parent.Emit("parent")
		return e.Ack()
	})
	var coming sync.WaitGroup
	for i := range 8 {
		coming.Go(func() {
			for range 20 {
				c := clients.Open(siotest.Options{})
				_ = c.Send(fmt.Sprintf("0/room-%d", i%2))
				_ = c.Send(fmt.Sprintf(`2/room-%d,1["e"]`, i%2))
				for {
					m, err := c.Read()
					if err != nil {
						t.Error(err)
						return
					}
					if m.Text == fmt.Sprintf(`3/room-%d,1[]`, i%2) {
						break
					}
				}
				c.Close()
			}
		})
	}
	for range 50 {
		parent.OnAny(func(context.Context, *socketio.Socket, *socketio.Event) error { return nil })
	}
	coming.Wait()
}
