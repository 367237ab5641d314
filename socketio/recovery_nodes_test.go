package socketio_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

type memoryNode = memory.Node

// A mortal is a node's adapter that can be killed: the node says nothing any more and
// hears nothing.
type mortal struct {
	*memoryNode
	*held
	alive context.Context
	kill  context.CancelFunc
}

// held is what a node hears late, since the test wants it so.
type held struct {
	adapter.KeptLocal
	during func() // happens while a client comes back from another node

	mu    sync.Mutex
	late  bool
	waits []*adapter.Operation
}

// Apply implements [adapter.Local].
func (h *held) Apply(op *adapter.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits = append(h.waits, op); !h.late {
		h.hear()
	}
}

func (h *held) hear() {
	for _, op := range h.waits {
		h.KeptLocal.Apply(op)
	}
	h.waits = nil
}

// hold lets the node hear nothing, or again and what there was.
func (h *held) hold(late bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.late = late; !late {
		h.hear()
	}
}

// OpenKept implements [adapter.Keeper].
func (m mortal) OpenKept(nsp string, local adapter.KeptLocal, keep adapter.Keep) (adapter.Kept, error) {
	m.held.KeptLocal = local
	kept, err := m.memoryNode.OpenKept(nsp, m.held, keep)
	return busy{kept, m.held}, err
}

// busy is a namespace in which something happens while a client comes back.
type busy struct {
	adapter.Kept
	held *held
}

// Missed implements [adapter.Kept].
func (b busy) Missed(ctx context.Context, m adapter.Missed) (adapter.Log, error) {
	b.held.happen()
	defer b.held.happen()
	return b.Kept.Missed(ctx, m)
}

func (h *held) happen() {
	if h.during != nil {
		h.during()
	}
}

var _ adapter.Keeper = mortal{}

func newMortal(bus *memory.Bus) mortal {
	alive, kill := context.WithCancel(context.Background())
	return mortal{bus.Node(), new(held), alive, kill}
}

func (m mortal) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(m.alive, stop)()
	return m.memoryNode.Run(ctx)
}

// A station is a node of a cluster in memory.
type station struct {
	mortal
	ns      *socketio.Namespace
	clients *siotest.Server
	sockets <-chan *socketio.Socket
	gone    <-chan socketio.Reason
}

// inCluster runs a test on nodes in a bubble.
func inCluster(t *testing.T, nodes int, r socketio.Recovery, f func(t *testing.T, nodes []station)) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		var list []station
		for range nodes {
			list = append(list, newStation(t, &bus, r))
		}
		synctest.Wait()
		f(t, list)
	})
}

func newStation(t *testing.T, bus *memory.Bus, r socketio.Recovery) station {
	m := newMortal(bus)
	t.Cleanup(m.kill)
	srv := newServer(t, socketio.Options{
		Adapter: m, Recovery: &r, Engine: engineio.Options{PingInterval: time.Hour, PingTimeout: time.Hour},
	})
	ns := srv.Of("/")
	return station{m, ns, siotest.Pipe(t, srv), joined(ns), gone(ns)}
}

func (n station) open() *siotest.Client { return n.clients.Open(siotest.Options{}) }

// lose loses a client's connection.
func lose(c *siotest.Client) {
	c.Close()
	synctest.Wait()
}

func TestRecoveryOtherNode(t *testing.T) {
	for _, killed := range []bool{false, true} {
		inCluster(t, 2, socketio.Recovery{}, func(t *testing.T, nodes []station) {
			a, b := nodes[0], nodes[1]
			c := a.open()
			g, _ := comeback(t, c, "", "")
			s := <-a.sockets
			s.Join("room", "left")
			s.SetData(map[string]int{"n": 1})
			emit(t, b.ns.To("room"), "1")
			synctest.Wait()
			emit(t, a.ns.To("room"), "2")
			_, offset := offsetOf(t, c.Text())
			emit(t, a.ns.To("left"), "3")
			emit(t, b.ns.To("left"), "4")
			synctest.Wait()
			s.Leave("left")
			if err := s.Emit("5"); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if killed {
				a.kill()
				synctest.Wait()
			}
			lose(c)
			emit(t, b.ns.To("room"), "6")
			emit(t, b.ns.To("left"), "not for it")
			emit(t, b.ns.Except("room"), "not for it")
			emit(t, b.ns.Volatile(), "volatile")
			emit(t, b.ns.To(), "7")
			synctest.Wait()

			c = b.open()
			again, missed := comeback(t, c, g.PID, offset)
			wantEvents(t, missed, `2["2"]`, `2["3"]`, `2["4"]`, `2["5"]`, `2["6"]`, `2["7"]`)
			if again != g {
				t.Errorf("is %v, was %v", again, g)
			}
			back := <-b.sockets
			if raw, ok := back.Data().(socketio.Raw); !ok || string(raw.JSON) != `{"n":1}` {
				t.Errorf("data: %v", back.Data())
			}
			if rooms := back.Rooms(); !back.Recovered() || len(rooms) != 2 || rooms[1] != "room" {
				t.Errorf("recovered %v, rooms %q", back.Recovered(), rooms)
			}
			emit(t, b.ns.To("room"), "8")
			if event, _ := offsetOf(t, c.Text()); event != `2["8"]` {
				t.Errorf("got %s", event)
			}
		})
	}
}

// TestRecoveryMoved lets a client come back to another node, while the one that it was
// at believes that it is there: that one finds out.
func TestRecoveryMoved(t *testing.T) {
	inCluster(t, 2, socketio.Recovery{}, func(t *testing.T, nodes []station) {
		a, b := nodes[0], nodes[1]
		old := a.open()
		g, _ := comeback(t, old, "", "")
		<-a.sockets
		emit(t, a.ns.To(), "1")
		synctest.Wait()
		c := b.open()
		again, missed := comeback(t, c, g.PID, "")
		wantEvents(t, missed, `2["1"]`)
		if again != g {
			t.Errorf("is %v, was %v", again, g)
		}
		<-b.sockets
		synctest.Wait()
		if reason := <-a.gone; reason != socketio.TransportClose {
			t.Errorf("disconnected on the old node: %s", reason)
		}
		// And back, from the memory of nobody.
		emit(t, b.ns.To(), "2")
		_, offset := offsetOf(t, c.Text())
		lose(c)
		emit(t, b.ns.To(), "3")
		emit(t, a.ns.To(), "4")
		synctest.Wait()
		again, missed = comeback(t, a.open(), g.PID, offset)
		wantEvents(t, missed, `2["3"]`, `2["4"]`)
		if again != g || !(<-a.sockets).Recovered() {
			t.Errorf("is %v, was %v", again, g)
		}
	})
}

// TestRecoveryOtherNodeRefused has the ways in which a client is a new one on another
// node.
func TestRecoveryOtherNodeRefused(t *testing.T) {
	r := socketio.Recovery{MaxPackets: 3, MaxDisconnection: time.Minute}
	for name, f := range map[string]func(a, b station, c *siotest.Client, s *socketio.Socket, pid, offset *string){
		"disconnected by the server": func(_, _ station, _ *siotest.Client, s *socketio.Socket, _, _ *string) { s.Disconnect(true) },
		"left by itself":             func(_, _ station, c *siotest.Client, _ *socketio.Socket, _, _ *string) { _ = c.Send("1") },
		"disconnected while away": func(_, _ station, c *siotest.Client, s *socketio.Socket, _, _ *string) {
			lose(c)
			s.Disconnect(false)
		},
		"too long away": func(_, _ station, c *siotest.Client, _ *socketio.Socket, _, _ *string) {
			lose(c)
			time.Sleep(time.Minute)
		},
		"node dead for too long": func(a, _ station, c *siotest.Client, _ *socketio.Socket, _, _ *string) {
			a.kill()
			synctest.Wait()
			c.Close()
			time.Sleep(time.Minute * 3 / 2)
		},
		"too many events": func(_, b station, c *siotest.Client, _ *socketio.Socket, _, _ *string) {
			lose(c)
			for range 4 {
				_ = b.ns.Emit("e")
			}
		},
		"other pid": func(_, _ station, _ *siotest.Client, _ *socketio.Socket, pid, _ *string) {
			*pid = "12345678901234567890"
		},
		"no offset of ours": func(_, _ station, _ *siotest.Client, _ *socketio.Socket, _, offset *string) { *offset = "12345678" },
		"a node of no name": func(_, _ station, _ *siotest.Client, _ *socketio.Socket, _, offset *string) {
			*offset = (*offset)[:16] + `"\"\"\`
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 2, r, func(t *testing.T, nodes []station) {
				a, b := nodes[0], nodes[1]
				c := a.open()
				g, _ := comeback(t, c, "", "")
				s := <-a.sockets
				emit(t, a.ns.To(), "a")
				_, offset := offsetOf(t, c.Text())
				synctest.Wait()
				pid := g.PID
				f(a, b, c, s, &pid, &offset)
				synctest.Wait()
				again, missed := comeback(t, b.open(), pid, offset)
				if s := <-b.sockets; s.Recovered() || again.SID == g.SID || again.PID == g.PID || len(missed) > 0 {
					t.Errorf("recovered %v: sid %s, pid %s, events %q", s.Recovered(), again.SID, again.PID, missed)
				}
			})
		})
	}
}

// TestRecoveryShutdown lets clients of a node that ends go on at another.
func TestRecoveryShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		r := &socketio.Recovery{}
		first := newServer(t, socketio.Options{Adapter: bus.Node(), Recovery: r})
		b := newStation(t, &bus, *r)
		synctest.Wait()
		c := siotest.Pipe(t, first).Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		first.Of("/").OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) { s.SetData("late") })
		if err := first.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		emit(t, b.ns.To(), "1")
		again, missed := comeback(t, b.open(), g.PID, "")
		wantEvents(t, missed, `2["1"]`)
		if s := <-b.sockets; again != g || string(s.Data().(socketio.Raw).JSON) != `"late"` {
			t.Errorf("is %v with %v, was %v", again, s.Data(), g)
		}
	})
}

// TestRecoveryRefreshed keeps a client that is connected for long, so that it can come
// back when its node dies.
func TestRecoveryRefreshed(t *testing.T) {
	inCluster(t, 2, socketio.Recovery{MaxDisconnection: time.Minute}, func(t *testing.T, nodes []station) {
		a, b := nodes[0], nodes[1]
		c := a.open()
		g, _ := comeback(t, c, "", "")
		time.Sleep(10 * time.Minute)
		a.kill()
		synctest.Wait()
		lose(c)
		time.Sleep(time.Minute - 2*time.Second)
		if again, _ := comeback(t, b.open(), g.PID, ""); again != g {
			t.Errorf("is %v, was %v", again, g)
		}
	})
}

func TestRecoveryNodeOnly(t *testing.T) {
	inCluster(t, 2, socketio.Recovery{NodeOnly: true}, func(t *testing.T, nodes []station) {
		c := nodes[0].open()
		g, _ := comeback(t, c, "", "")
		lose(c)
		if again, _ := comeback(t, nodes[1].open(), g.PID, ""); again == g {
			t.Error("came back to another node")
		}
		if again, _ := comeback(t, nodes[0].open(), g.PID, ""); again != g {
			t.Errorf("is %v, was %v", again, g)
		}
	})
}
