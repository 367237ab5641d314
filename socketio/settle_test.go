package socketio_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A late adapter reaches the other nodes some time after it was started.
type late struct {
	*memoryNode
	reaches chan struct{}
}

func (l late) Run(ctx context.Context) error {
	select {
	case <-l.reaches:
		return l.memoryNode.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// startLate starts a node that reaches nobody yet.
func startLate(t *testing.T, bus *memory.Bus) (late, *socketio.Namespace, *siotest.Server) {
	l := late{bus.Node(), make(chan struct{})}
	srv := newServer(t, socketio.Options{
		Adapter: l, Recovery: &socketio.Recovery{}, Engine: engineio.Options{PingInterval: time.Hour, PingTimeout: time.Hour},
	})
	return l, srv.Of("/"), siotest.Pipe(t, srv)
}

// TestSettle lets a client come back to a node that was started a moment ago, and does
// not reach the others yet: it is recovered as soon as that does.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		a := newStation(t, &bus, socketio.Recovery{})
		c := a.open()
		g, _ := comeback(t, c, "", "")
		emit(t, a.ns.To(), "1")
		synctest.Wait()
		lose(c)
		l, ns, clients := startLate(t, &bus)
		sockets := joined(ns)
		time.AfterFunc(4*time.Second, func() { close(l.reaches) })
		again, missed := comeback(t, clients.Open(siotest.Options{}), g.PID, "")
		wantEvents(t, missed, `2["1"]`)
		if s := <-sockets; again != g || !s.Recovered() {
			t.Errorf("is %v, was %v; recovered %v", again, g, s.Recovered())
		}
	})
}

// TestSettleAlone: a node that reaches nobody serves clients by itself, those that came
// first after five seconds, and all others at once.
func TestSettleAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		_, ns, clients := startLate(t, &bus)
		for _, wait := range []time.Duration{5 * time.Second, 0} {
			began := time.Now()
			c := clients.Open(siotest.Options{})
			comeback(t, c, "nobody has this one.", "")
			if waited := time.Since(began); waited != wait {
				t.Errorf("joined after %v, want %v", waited, wait)
			}
			emit(t, ns.To(), "1")
			if event, _ := offsetOf(t, c.Text()); event != `2["1"]` {
				t.Errorf("got %s", event)
			}
		}
	})
}

// TestSettleLeft: who leaves is not waited with, and a server that ends waits for nothing.
func TestSettleLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus memory.Bus
		_, ns, clients := startLate(t, &bus)
		entered := joined(ns)
		began := time.Now()
		for range 2 {
			c := clients.Open(siotest.Options{})
			if err := c.Send("0"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			lose(c)
		}
		t.Cleanup(func() { // after the server's end
			if waited := time.Since(began); waited != 0 || len(entered) > 0 {
				t.Errorf("%v, %d clients joined", waited, len(entered))
			}
		})
		if err := clients.Open(siotest.Options{}).Send("0"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
}
