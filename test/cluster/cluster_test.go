// Package cluster joins Damso with Node servers of two generations; see README.md.
package cluster

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCluster(t *testing.T) {
	broker := redistest.Start(t)
	urls := map[string]string{
		"damso-a": damso(t, broker, redis.Options{}),
		"damso-b": damso(t, broker, redis.Options{SocketIO2: true}),
		"node-2":  node(t, broker, "node-2.js"),
		"node-4":  node(t, broker, "node-4.js"),
	}
	list, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	judge(t, broker, testkit.Node(t, testkit.Script{Path: "clients.js", Args: []string{string(list)}}))
}

// judge lets clients.js run its cases, and does to Redis what it asks for.
func judge(t *testing.T, broker *redistest.Server, clients *testkit.Process) {
	type line struct {
		Case, Detail, Please string
		OK                   bool
	}
	count := 0
	for l := (line{}); clients.Next(&l); l = (line{}) {
		switch l.Please {
		case "kill redis":
			broker.Kill()
			clients.Send("done")
		case "start redis":
			broker.Restart()
			clients.Send("done")
		default:
			count++
			t.Run(l.Case, func(t *testing.T) {
				if !l.OK {
					t.Error(l.Detail)
				}
			})
		}
	}
	if err := clients.Wait(); err != nil || count < 90 {
		t.Errorf("clients.js ran %d cases: %v", count, err)
	}
}

// node starts a Node server and returns its address.
func node(t *testing.T, broker *redistest.Server, script string) string {
	return namedNode(t, broker, script, "")
}

func namedNode(t *testing.T, broker *redistest.Server, script, name string) string {
	var ready struct{ URL string }
	testkit.Node(t, testkit.Script{Path: script, Args: []string{broker.Host(), strconv.Itoa(broker.Port()), name}}).Expect(&ready)
	return ready.URL
}

// damso starts a Damso node and returns its address.
func damso(t *testing.T, broker *redistest.Server, opts redis.Options) string {
	return named(t, broker, "", opts)
}

func named(t *testing.T, broker *redistest.Server, name string, opts redis.Options) string {
	return recovering(t, broker, name, opts, nil)
}

// recovering is named with recovery.
func recovering(t *testing.T, broker *redistest.Server, name string, opts redis.Options, recovery *socketio.Recovery) string {
	opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	srv := socketio.NewServer(socketio.Options{
		Logger:   opts.Logger,
		Recovery: recovery,
		Adapter:  redis.New(rueidis.ClientOption{InitAddress: []string{broker.Addr()}}, opts),
	})
	for _, nsp := range []string{"/", "/custom"} {
		serve(srv.Of(nsp))
		operations(srv.Of(nsp), name)
	}
	at := httptest.NewServer(srv)
	t.Cleanup(func() {
		srv.Close()
		at.Close()
	})
	return at.URL
}

func serve(ns *socketio.Namespace) {
	socketio.OnAck(ns, "join", func(_ context.Context, s *socketio.Socket, room string) (bool, error) {
		s.Join(room)
		return true, nil
	})
	socketio.OnAck(ns, "whoami", func(_ context.Context, s *socketio.Socket, _ socketio.Args) (string, error) {
		return s.ID(), nil
	})
	ns.Handle("say", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
		var where struct {
			From            string
			To, Except      []string
			Volatile, Local bool
		}
		var what socketio.Raw
		if err := e.Args.Decode(&where, &what); err != nil {
			return err
		}
		target := ns.To(where.To...)
		if where.From == "socket" {
			target = s.To(where.To...)
		}
		target = target.Except(where.Except...)
		if where.Volatile {
			target = target.Volatile()
		}
		if where.Local {
			target = target.Local()
		}
		return target.Emit("heard", what)
	})
}
