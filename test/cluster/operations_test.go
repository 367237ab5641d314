package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// A server is one of a cluster, for operations.js.
type server struct {
	URL    string `json:"url"`
	Client string `json:"client"` // the generation of its clients
}

// A makeup is a cluster of three servers, s0 to s2, and who of them speaks.
type makeup struct {
	Servers map[string]server `json:"servers"`
	Ask     []string          `json:"ask"`
	Old     []string          `json:"old"`
	All     bool              `json:"all"`
}

// makes start a server of a name.
var makes = map[string]func(t *testing.T, broker *redistest.Server, name string) server{
	"damso": func(t *testing.T, broker *redistest.Server, name string) server {
		return server{named(t, broker, name, redis.Options{}), "4"}
	},
	"damso, answers to one": func(t *testing.T, broker *redistest.Server, name string) server {
		return server{named(t, broker, name, redis.Options{SpecificResponseChannel: true}), "4"}
	},
	"damso, with 2": func(t *testing.T, broker *redistest.Server, name string) server {
		return server{named(t, broker, name, redis.Options{SocketIO2: true}), "2"}
	},
	"node 2": func(t *testing.T, broker *redistest.Server, name string) server {
		return server{namedNode(t, broker, "node-2.js", name), "2"}
	},
	"node 4": func(t *testing.T, broker *redistest.Server, name string) server {
		return server{namedNode(t, broker, "node-4.js", name), "4"}
	},
}

// TestOperations lets clusters with Damso do what clusters of Node servers do, and
// compares what comes of it: answers, errors, and what happens to the clients.
func TestOperations(t *testing.T) {
	everyone := []string{"s0", "s1", "s2"}
	for _, test := range []struct {
		name       string
		model, own []string // makes of s0 to s2
		makeup     makeup
	}{
		{"socket.io 4", []string{"node 4", "node 4", "node 4"}, []string{"damso", "damso, answers to one", "node 4"}, makeup{Ask: everyone, All: true}},
		{"socket.io 2", []string{"node 2", "node 2", "node 2"}, []string{"damso, with 2", "damso", "node 2"}, makeup{Old: []string{"s2"}}},
		{"both", []string{"node 4", "node 4", "node 4"}, []string{"damso, with 2", "node 4", "node 2"}, makeup{Ask: []string{"s0"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := operate(t, test.model, test.makeup)
			got := operate(t, test.own, test.makeup)
			if len(want) < 20 {
				t.Errorf("%d operations", len(want))
			}
			for _, op := range slices.Sorted(maps.Keys(want)) {
				if diff := cmp.Diff(want[op], got[op]); diff != "" {
					t.Errorf("%s: all Node (-), with Damso (+):\n%s", op, diff)
				}
			}
		})
	}
}

// operate runs operations.js in a new cluster and returns the results.
func operate(t *testing.T, from []string, m makeup) (results map[string]any) {
	t.Helper()
	broker := redistest.Start(t)
	m.Servers = map[string]server{}
	for i, kind := range from {
		name := "s" + strconv.Itoa(i)
		m.Servers[name] = makes[kind](t, broker, name)
	}
	arg, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Node(t, testkit.Script{Path: "operations.js", Args: []string{string(arg)}}).Expect(&results)
	return results
}

// operations are what a Damso server does for operations.js, in the terms of node-4.js.
func operations(ns *socketio.Namespace, name string) {
	var mu sync.Mutex
	notes := []json.RawMessage{} // guarded by mu
	ns.OnServerSide("note", func(_ context.Context, args socketio.Args) error {
		var what json.RawMessage
		mu.Lock()
		defer mu.Unlock()
		if err := args.Decode(&what); err != nil {
			return err
		}
		notes = append(notes, what)
		return nil
	})
	ns.OnServerSideAck("sum", func(_ context.Context, args socketio.Args) (any, error) {
		var a, b int
		err := args.Decode(&a, &b)
		return map[string]any{"name": name, "sum": a + b}, err
	})
	ns.OnServerSideAck("customRequest", func(_ context.Context, args socketio.Args) (any, error) {
		var data any
		err := args.Decode(&data)
		return map[string]any{"name": name, "data": data}, err
	})
	socketio.OnAck(ns, "my data", func(_ context.Context, s *socketio.Socket, _ socketio.Args) ([]any, error) {
		return []any{s.Recovered(), s.Data()}, nil
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if name := s.Handshake().Query.Get("name"); name != "" && !s.Recovered() {
			s.SetData(map[string]string{"name": name})
		}
		return nil
	})
	socketio.OnAck(ns, "notes", func(context.Context, *socketio.Socket, socketio.Args) ([]json.RawMessage, error) {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(notes), nil
	})
	socketio.OnAck(ns, "my rooms", func(_ context.Context, s *socketio.Socket, _ socketio.Args) ([]string, error) {
		return s.Rooms(), nil
	})
	socketio.OnAck(ns, "do", func(ctx context.Context, _ *socketio.Socket, args socketio.Args) (any, error) {
		var what string
		var with []socketio.Raw
		if err := args.Decode(&what, &with); err != nil {
			return nil, err
		}
		result, err := do(ctx, ns, what, with)
		if err != nil {
			return map[string]string{"error": err.Error()}, nil
		}
		return result, nil
	})
}

// do does one operation.
func do(ctx context.Context, ns *socketio.Namespace, what string, with []socketio.Raw) (any, error) {
	var to, except []string
	b := ns.To()
	if len(with) > 1 {
		if err := decode(with, &to, &except); err != nil {
			return nil, err
		}
		b = ns.To(to...).Except(except...)
	}
	switch what {
	case "serverCount":
		return ns.ServerCount(ctx)
	case "allRooms":
		return ns.AllRooms(ctx)
	case "fetchSockets", "ids":
		return fetch(ctx, b, what == "ids")
	case "serverSideEmit", "serverSideEmitWithAck":
		return serverSide(ctx, ns, what, with)
	case "emitWithAck":
		answers, err := b.EmitWithAck(ctx, "answer?", with[2])
		return firsts(answers, err)
	case "disconnectSockets":
		var close bool
		if err := decode(with[2:], &close); err != nil {
			return nil, err
		}
		return nil, b.DisconnectSockets(close)
	}
	var rooms []string
	if err := decode(with[2:], &rooms); err != nil {
		return nil, err
	}
	if what == "socketsJoin" {
		return nil, b.SocketsJoin(rooms...)
	}
	return nil, b.SocketsLeave(rooms...)
}

func fetch(ctx context.Context, b socketio.Broadcast, ids bool) (any, error) {
	sockets, err := b.FetchSockets(ctx)
	list := make([]any, len(sockets))
	for i, s := range sockets {
		if list[i] = s.ID; !ids {
			list[i] = map[string]any{"id": s.ID, "rooms": s.Rooms, "data": s.Data, "query": s.Handshake.Query.Get("name")}
		}
	}
	return list, err
}

func serverSide(ctx context.Context, ns *socketio.Namespace, what string, with []socketio.Raw) (any, error) {
	var event []socketio.Raw
	var name string
	if err := decode(with, &event); err != nil {
		return nil, err
	}
	if err := decode(event, &name); err != nil {
		return nil, err
	}
	args := make([]any, len(event)-1)
	for i, a := range event[1:] {
		args[i] = a
	}
	if what == "serverSideEmit" {
		return nil, ns.ServerSideEmit(name, args...)
	}
	answers, err := ns.ServerSideEmitWithAck(ctx, name, args...)
	return firsts(answers, err)
}

// firsts returns the first argument of each answer.
func firsts(answers []socketio.Answer, err error) (any, error) {
	list := make([]socketio.Raw, len(answers))
	for i, a := range answers {
		if err := a.Args.Decode(&list[i]); err != nil {
			return nil, err
		}
		if a.Err != nil {
			return nil, a.Err
		}
	}
	return list, err
}

// decode decodes the first values.
func decode(with []socketio.Raw, into ...any) error {
	for i, v := range into {
		if i >= len(with) {
			return fmt.Errorf("%d arguments, want %d", len(with), len(into))
		}
		if err := json.Unmarshal(with[i].JSON, v); err != nil {
			return err
		}
	}
	return nil
}
