package faults

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A local is a server with two clients.
type local struct {
	name    string
	node    *redis.Adapter
	clients [2]*siotest.Client
	said    int
}

// newLocal starts a server on Redis, and its clients.
func newLocal(t *testing.T, name string, node *redis.Adapter, recovery *socketio.Recovery) *local {
	srv := socketio.NewServer(socketio.Options{Adapter: node, Recovery: recovery, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { srv.Close() })
	ns := srv.Of("/")
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		s.Join(room)
		return nil
	})
	socketio.On(ns, "say", func(_ context.Context, _ *socketio.Socket, n int) error {
		return ns.To(room).Emit("said", n)
	})
	adaptertest.WaitReady(t, node)
	at := siotest.Listen(t, srv)
	return &local{name: name, node: node, clients: [2]*siotest.Client{at.Join("/"), at.Join("/")}}
}

// say lets a client say some things.
func (l *local) say() {
	for range 10 {
		l.said++
		l.clients[0].Emit("/", fmt.Sprintf(`["say",%d]`, l.said))
	}
}

// wantSaid looks that both clients hear it, once and in order.
func (l *local) wantSaid(t *testing.T, when string) {
	t.Helper()
	for i, c := range l.clients {
		for want := l.said - 9; want <= l.said; want++ {
			var got int
			if text := c.Text(); !said(text, &got) || got != want {
				t.Fatalf("%s, %s: client %d got %s, want %d", l.name, when, i, text, want)
			}
		}
	}
}

func said(text string, n *int) bool {
	_, err := fmt.Sscanf(text, `2["said",%d`, n)
	return err == nil
}

// TestLocalDelivery: the clients of a node hear each other, whatever happens to Redis.
func TestLocalDelivery(t *testing.T) {
	server := redistest.Start(t)
	var all []*local
	for mode, opts := range modes {
		for name, recovery := range map[string]*socketio.Recovery{mode: nil, mode + " with recovery": {}} {
			opts.Prefix, opts.Logger = "local "+name, slog.New(slog.DiscardHandler)
			all = append(all, newLocal(t, name, redis.New(single(server.Addr()), opts), recovery))
		}
	}
	talk := func(when string) {
		t.Helper()
		for _, l := range all {
			l.say()
		}
		for _, l := range all {
			l.wantSaid(t, when)
		}
	}
	talk("at first")
	server.Kill()
	talk("killed")
	for _, l := range all {
		adaptertest.WaitNotReady(t, l.node)
	}
	talk("without Redis")
	server.Restart()
	talk("while it comes back")
	for _, l := range all {
		adaptertest.WaitReady(t, l.node)
	}
	talk("with Redis")
	server.Pause()
	talk("paused")
	for _, l := range all {
		adaptertest.WaitNotReady(t, l.node)
	}
	talk("given up")
	server.Resume()
	talk("resumed")
	for _, l := range all {
		adaptertest.WaitReady(t, l.node)
	}
	talk("at last")
}
