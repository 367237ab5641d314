package socketio_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A move is one thing that happens in a cluster.
type move struct {
	Kind         string
	Node, Client int
	Room         string
	To, Except   []string
}

// moves draws what happens.
func moves(r *rapid.T) []move {
	room := rapid.SampledFrom([]string{"a", "b", "c"})
	rooms := rapid.SliceOfNDistinct(room, 0, 2, rapid.ID[string])
	return rapid.SliceOfN(rapid.Custom(func(r *rapid.T) move {
		return move{
			Kind: rapid.SampledFrom([]string{
				"broadcast", "broadcast", "broadcast", "broadcast", "emit", "join", "join", "leave", "lose", "return", "return", "read", "wait", "hold", "kill",
			}).Draw(r, "kind"),
			Node: rapid.IntRange(0, 2).Draw(r, "node"), Client: rapid.IntRange(0, 1).Draw(r, "client"),
			Room: room.Draw(r, "room"), To: rooms.Draw(r, "to"), Except: rooms.Draw(r, "except"),
		}
	}), 1, 60).Draw(r, "moves")
}

// A traveller is a client that goes from node to node, and what it should get.
type traveller struct {
	c      *siotest.Client // nil while it is away
	s      *socketio.Socket
	g      greeted
	at     int // the node
	offset string
	rooms  map[string]bool
	want   map[string][]int // numbers of events, by publisher
}

// handle takes an event. Those of a publisher come in order, each once.
func (c *traveller) handle(packet string) error {
	i := strings.LastIndex(packet, `,"`)
	var event struct {
		by string
		n  int
	}
	var fields []json.RawMessage
	if i < 0 || json.Unmarshal([]byte(packet[1:]), &fields) != nil || len(fields) != 4 ||
		json.Unmarshal(fields[1], &event.by) != nil || json.Unmarshal(fields[2], &event.n) != nil ||
		json.Unmarshal(fields[3], &c.offset) != nil {
		return fmt.Errorf("got %q", packet)
	}
	if due := c.want[event.by]; len(due) == 0 || due[0] != event.n {
		return fmt.Errorf("client got %s, next of that node is to be %v", packet, due)
	}
	c.want[event.by] = c.want[event.by][1:]
	return nil
}

// read takes the next event that is sent.
func (c *traveller) read() error {
	m, err := c.c.Read()
	if err != nil {
		return fmt.Errorf("client waits for %v: %w", c.want, err)
	}
	return c.handle(m.Text)
}

func (c *traveller) waits() (n int) {
	for _, due := range c.want {
		n += len(due)
	}
	return n
}

func (c *traveller) among(rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return c.rooms[room] })
}

// comes lets the client join at a node.
func (c *traveller) comes(t *testing.T, node int, n station) error {
	c.c, c.at = n.open(), node
	g, missed := comeback(t, c.c, c.g.PID, c.offset)
	if c.g.PID != "" && g != c.g {
		return fmt.Errorf("client is %v, was %v", g, c.g)
	}
	c.g, c.s = g, <-n.sockets
	for _, packet := range missed {
		if err := c.handle(packet); err != nil {
			return err
		}
	}
	return nil
}

// A world is a cluster with its clients.
type world struct {
	t       *testing.T
	bus     memory.Bus
	nodes   []station
	clients []*traveller
	n       int // events sent
}

func (w *world) wants(by string, gets func(c *traveller) bool) {
	for _, c := range w.clients {
		if gets(c) {
			c.want[by] = append(c.want[by], w.n)
		}
	}
}

func (w *world) broadcast(node station, m move) {
	w.n++
	emit(w.t, node.ns.To(m.To...).Except(m.Except...), "n", node.Node(), w.n)
	w.wants(node.Node(), func(c *traveller) bool { return (len(m.To) == 0 || c.among(m.To)) && !c.among(m.Except) })
}

// settle lets everything arrive.
func (w *world) settle() {
	for _, node := range w.nodes {
		node.hold(false)
	}
	synctest.Wait()
}

func (w *world) do(m move) error {
	c, node := w.clients[m.Client], w.nodes[m.Node]
	switch m.Kind {
	case "broadcast":
		w.broadcast(node, m)
	case "wait":
		w.settle()
	case "hold":
		node.hold(true)
	case "kill":
		w.settle() // what it has to say is said
		node.kill()
		for _, c := range w.clients {
			if c.c != nil && c.at == m.Node {
				lose(c.c)
				c.c = nil
			}
		}
		w.nodes[m.Node] = newStation(w.t, &w.bus, socketio.Recovery{})
		synctest.Wait()
	case "return":
		node.during = func() {
			for _, at := range w.nodes {
				w.broadcast(at, m)
			}
		}
		return c.comes(w.t, m.Node, node) // also if it has not gone
	}
	if c.c == nil {
		return nil
	}
	switch m.Kind {
	case "emit":
		w.n++
		by := w.nodes[c.at].Node()
		if err := c.s.Emit("n", by, w.n); err != nil {
			return err
		}
		w.wants(by, func(other *traveller) bool { return other == c })
	case "join", "leave":
		w.settle() // what was sent before arrives before
		if c.rooms[m.Room] = m.Kind == "join"; c.rooms[m.Room] {
			c.s.Join(m.Room)
		} else {
			c.s.Leave(m.Room)
		}
		synctest.Wait() // the session is kept before long
	case "lose":
		c.c.Close()
		c.c = nil
	case "read":
		if w.nodes[c.at].hold(false); c.waits() > 0 {
			return c.read()
		}
	}
	return nil
}

// play lets it all happen, and then everybody come back and get what there is.
func (w *world) play(list []move) error {
	for i, m := range list {
		if err := w.do(m); err != nil {
			return fmt.Errorf("move %d: %w", i, err)
		}
	}
	for i, c := range w.clients {
		w.settle()
		if c.c == nil {
			if err := c.comes(w.t, i, w.nodes[i]); err != nil {
				return err
			}
		}
		for c.waits() > 0 {
			if err := c.read(); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestRecoveryNodesRandom lets clients join and leave rooms, handle some of what they
// are sent, get lost and go to other nodes in any order, also from nodes that are
// killed: each is sent each event of its rooms once, and those of a node in order.
func TestRecoveryNodesRandom(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		list := moves(r)
		var failed error
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t}
			for range 3 {
				w.nodes = append(w.nodes, newStation(t, &w.bus, socketio.Recovery{}))
			}
			synctest.Wait()
			for range 2 {
				c := &traveller{rooms: map[string]bool{}, want: map[string][]int{}}
				w.clients = append(w.clients, c)
				if failed = c.comes(t, 0, w.nodes[0]); failed != nil {
					return
				}
			}
			synctest.Wait() // sessions are kept before long, and not before the greeting
			failed = w.play(list)
		})
		if failed != nil {
			r.Fatal(failed)
		}
	})
}
