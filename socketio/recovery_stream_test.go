package socketio_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A river is an adapter with a stream that does what the test says. A test has it for
// itself, but for Restore.
type river struct {
	adapter.Namespace
	local     adapter.StreamLocal
	published []uint64
	away      bool
	saved     *adapter.StreamSession
	during    func() // happens while a client comes back
	restored  adapter.Restored
}

func (r *river) Open(string, adapter.Local) (adapter.Namespace, error) { return nil, errAway }
func (r *river) Ready() error                                          { return nil }
func (r *river) Streams() bool                                         { return true }
func (r *river) Room(string, bool, bool)                               {}
func (r *river) Close()                                                {}

func (r *river) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (r *river) OpenStream(_ string, local adapter.StreamLocal, _ time.Duration) (adapter.Stream, error) {
	r.local = local
	return r, nil
}

var errAway = errors.New("away")

func (r *river) Publish(op *adapter.Operation) error {
	if r.away {
		return errAway
	}
	r.published = append(r.published, op.Logged.Own)
	return nil
}

// Save asks for the session later, as adapters do.
func (r *river) Save(session func() *adapter.StreamSession) {
	go func() { r.saved = session() }()
}

func (r *river) Restore(_ context.Context, back adapter.Return) (*adapter.Restored, error) {
	if r.saved == nil || r.saved.PID != back.PID || back.After.IsZero() {
		return nil, adapter.ErrNoSession
	}
	r.during()
	r.restored.Session, r.saved = r.saved, nil
	return &r.restored, nil
}

func at(n uint64) adapter.StreamID { return adapter.StreamID{Time: 1700000000000, Number: n} }

// from is a broadcast of another node in the stream.
func from(event string, n uint64, rooms ...string) *adapter.Operation {
	op := &adapter.Operation{Kind: adapter.Broadcast, Rooms: rooms, Event: adapter.Event{Data: []byte(`["` + event + `"]`)}}
	op.Logged.At = at(n)
	return op
}

func inRiver(t *testing.T, f func(t *testing.T, r *river, ns *socketio.Namespace, clients *siotest.Server)) {
	r := &river{during: func() {}}
	opts := socketio.Options{
		Engine:  engineio.Options{PingInterval: time.Hour, PingTimeout: time.Hour},
		Adapter: r, Recovery: &socketio.Recovery{MaxBytes: 2000},
	}
	bubble(t, opts, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) { f(t, r, srv.Of("/"), clients) })
}

// TestStreamDelivery has broadcasts of a node that come back from the stream, late or
// not at all.
func TestStreamDelivery(t *testing.T) {
	inRiver(t, func(t *testing.T, r *river, ns *socketio.Namespace, clients *siotest.Server) {
		c := clients.Open(siotest.Options{})
		comeback(t, c, "", "")
		for _, event := range []string{"lost", "a"} {
			emit(t, ns.To(), event)
		}
		emit(t, ns.Volatile(), "volatile")
		emit(t, ns.Local(), "local")
		r.local.Apply(from("other", 4))
		r.local.Added(2, at(5))
		r.local.Added(2, at(5))
		synctest.Wait() // what is volatile is for a client that has nothing to read
		r.local.Added(3, at(6))
		c.Want(`2["local"]`, `2["other","1700000000000-4"]`, `2["lost"]`, `2["a","1700000000000-5"]`, `2["volatile"]`)

		began := time.Now()
		emit(t, ns.To(), "late")
		c.Want(`2["late"]`)
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited for %v", waited)
		}
		r.local.Added(4, at(7))

		emit(t, ns.To(), "waits")
		r.away = true
		began = time.Now()
		emit(t, ns.To(), "now")
		c.Want(`2["waits"]`, `2["now"]`)
		if time.Since(began) != 0 {
			t.Error("waited without a connection")
		}
	})
}

// TestStreamReturn lets things happen while a client comes back: what it gets is what
// was sent to it, each once, in the order of the stream.
func TestStreamReturn(t *testing.T) {
	inRiver(t, func(t *testing.T, r *river, ns *socketio.Namespace, clients *siotest.Server) {
		sockets := joined(ns)
		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		s := next(t, sockets)
		s.Join("room")
		s.SetData("data")
		c.Close()
		synctest.Wait()
		if r.saved == nil || r.saved.ID != g.SID || !slices.Equal(r.saved.Rooms, []string{g.SID, "room"}) || string(r.saved.Data.Data) != `"data"` {
			t.Fatalf("saved %+v", r.saved)
		}
		r.restored = adapter.Restored{Missed: []*adapter.Operation{from("a", 1), from("b", 3)}, UpTo: at(3)}
		r.during = func() {
			r.local.Apply(from("b", 3))              // it is among the missed
			r.local.Apply(from("other", 4, "other")) // it is not for the client
			emit(t, ns.To("room"), "c")
			r.local.Added(1, at(5))
		}
		c = clients.Open(siotest.Options{})
		again, missed := comeback(t, c, g.PID, at(0).String())
		want := []string{`2["a","1700000000000-1"]`, `2["b","1700000000000-3"]`, `2["c","1700000000000-5"]`}
		if again != g || !slices.Equal(missed, want) {
			t.Errorf("%+v was %+v, missed %q", again, g, missed)
		}
		s = next(t, sockets)
		if data, _ := s.Data().(socketio.Raw); !s.Recovered() || string(data.JSON) != `"data"` || len(s.Rooms()) != 2 {
			t.Errorf("recovered %v, data %v, rooms %q", s.Recovered(), s.Data(), s.Rooms())
		}
		r.local.Apply(from("b", 2)) // the reader is behind
		r.local.Apply(from("d", 6))
		c.Want(`2["d","1700000000000-6"]`)
	})
}

// TestStreamRefused has the ways in which a client is a new one.
func TestStreamRefused(t *testing.T) {
	for name, test := range map[string]struct {
		offset string
		before func(r *river, c *siotest.Client, s *socketio.Socket)
	}{
		"no session":  {at(1).String(), func(r *river, c *siotest.Client, s *socketio.Socket) { s.Disconnect(true) }},
		"no offset":   {"", func(r *river, c *siotest.Client, s *socketio.Socket) { c.Close() }},
		"not one":     {"1-x", func(r *river, c *siotest.Client, s *socketio.Socket) { c.Close() }},
		"half of one": {"1", func(r *river, c *siotest.Client, s *socketio.Socket) { c.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			inRiver(t, func(t *testing.T, r *river, ns *socketio.Namespace, clients *siotest.Server) {
				sockets := joined(ns)
				c := clients.Open(siotest.Options{})
				g, _ := comeback(t, c, "", "")
				test.before(r, c, next(t, sockets))
				synctest.Wait()
				again, _ := comeback(t, clients.Open(siotest.Options{}), g.PID, test.offset)
				if again.SID == g.SID || again.PID == g.PID || next(t, sockets).Recovered() {
					t.Errorf("%+v was %+v", again, g)
				}
			})
		})
	}
}
