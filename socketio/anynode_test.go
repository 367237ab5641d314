package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestAnyNode has clients of both protocols talk to three nodes in turn, without
// sticky sessions: what they say comes back, and broadcasts come once and in order.
func TestAnyNode(t *testing.T) {
	const events = 20
	for _, protocol := range []int{3, 4} {
		for _, o := range []siotest.Options{{Polling: true}, {Upgrade: true}, {}} {
			o.Protocol = protocol
			t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
				var nodes []*socketio.Server
				bus := &memory.Bus{}
				for range 3 {
					node := bus.Node()
					srv := newServer(t, socketio.Options{Adapter: node})
					socketio.OnAck(srv.Of("/"), "say", func(_ context.Context, _ *socketio.Socket, n int) (int, error) {
						return n, srv.Emit("said", n)
					})
					nodes = append(nodes, srv)
					for len(node.Nodes()) < len(nodes) || srv.Ready() != nil {
						runtime.Gosched()
					}
				}
				var next atomic.Uint32
				clients := siotest.Listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					nodes[next.Add(1)%3].ServeHTTP(w, r)
				}))
				speaker, listener := clients.Open(o), clients.Open(o)
				for _, c := range []*siotest.Client{speaker, listener} {
					if protocol == 3 {
						c.Want("0")
					} else {
						c.Join("/", "")
					}
				}
				for i := range events {
					if err := speaker.Send(fmt.Sprintf(`2%d["say",%d]`, i, i)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range events {
					listener.Want(fmt.Sprintf(`2["said",%d]`, i))
					got := map[string]bool{speaker.Text(): true, speaker.Text(): true}
					if !got[fmt.Sprintf(`2["said",%d]`, i)] || !got[fmt.Sprintf(`3%d[%d]`, i, i)] {
						t.Fatalf("event %d: got %v", i, got)
					}
				}
			})
		}
	}
}

// TestStickySessions turns the routing off.
func TestStickySessions(t *testing.T) {
	bus := &memory.Bus{}
	owner, first := serve(t, socketio.Options{Adapter: bus.Node(), StickySessions: true})
	other, second := serve(t, socketio.Options{Adapter: bus.Node(), StickySessions: true})
	for owner.Ready() != nil || other.Ready() != nil {
		runtime.Gosched()
	}
	c := first.Open(siotest.Options{Polling: true})
	status, body, err := second.Get("/socket.io/?EIO=4&transport=polling&sid=" + c.SID)
	var answer struct{ Code int }
	if err != nil || status != http.StatusBadRequest || json.Unmarshal([]byte(body), &answer) != nil || answer.Code != 1 {
		t.Errorf("%d %s, %v", status, body, err)
	}
}

// TestRebalance brings the connections of two nodes into balance.
func TestRebalance(t *testing.T) {
	bus := &memory.Bus{}
	full, clients := serve(t, socketio.Options{Adapter: bus.Node()})
	empty, _ := serve(t, socketio.Options{Adapter: bus.Node()})
	for full.Ready() != nil || empty.Ready() != nil {
		runtime.Gosched()
	}
	reasons := gone(full.Of("/"))
	for range 10 {
		clients.Join("/")
	}
	if n, err := full.Rebalance(t.Context(), 1000); n != 5 || err != nil {
		t.Errorf("closed %d, %v; want 5", n, err)
	}
	for range 5 {
		next(t, reasons)
	}
	if n, err := empty.Rebalance(t.Context(), 1000); n != 0 || err != nil {
		t.Errorf("the other one closed %d, %v", n, err)
	}
	alone, _ := serve(t, socketio.Options{})
	if n, err := alone.Rebalance(t.Context(), 1000); n != 0 || err != nil {
		t.Errorf("alone: closed %d, %v", n, err)
	}
}

// TestDrainClients tells the clients of a node to go elsewhere.
func TestDrainClients(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	reasons := gone(srv.Of("/"))
	for range 3 {
		clients.Join("/")
	}
	if err := srv.Drain(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r := next(t, reasons); r != socketio.ServerShuttingDown {
			t.Errorf("reason %q", r)
		}
	}
	if srv.Ready() == nil {
		t.Error("the server is ready")
	}
}
