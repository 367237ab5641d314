package cluster

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/emitter"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/internal/testkit"
)

// emitterOptions are those of package emitter for the modes.
var emitterOptions = map[string]emitter.Options{
	"classic":          {},
	"dynamic":          {Mode: emitter.ShardedDynamic},
	"dynamic-private":  {Mode: emitter.ShardedDynamicPrivate},
	"static":           {Mode: emitter.ShardedStatic},
	"streams":          {Mode: emitter.Streams},
	"streams, three":   {Mode: emitter.Streams, StreamCount: 3},
	"streams, sharded": {Mode: emitter.Streams},
}

// An emits is an emitter of any make: call is what Node's calls the method, to the
// rooms that it is for. It returns when that is on its way, in order.
type emits func(call string, to []string, args ...any)

// ours returns package emitter's.
func ours(t *testing.T, broker *redistest.Server, opts emitter.Options) emits {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{broker.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	calls := map[string]func(ctx context.Context, io *emitter.Emitter, args []any) error{
		"emit": func(ctx context.Context, io *emitter.Emitter, args []any) error {
			return io.Emit(ctx, args[0].(string), args[1:]...)
		},
		"serverSideEmit": func(ctx context.Context, io *emitter.Emitter, args []any) error {
			return io.ServerSideEmit(ctx, args[0].(string), args[1:]...)
		},
		"socketsJoin": func(ctx context.Context, io *emitter.Emitter, args []any) error {
			return io.SocketsJoin(ctx, args[0].(string))
		},
		"socketsLeave": func(ctx context.Context, io *emitter.Emitter, args []any) error {
			return io.SocketsLeave(ctx, args[0].(string))
		},
		"disconnectSockets": func(ctx context.Context, io *emitter.Emitter, _ []any) error {
			return io.DisconnectSockets(ctx, false)
		},
	}
	return func(call string, to []string, args ...any) {
		t.Helper()
		if err := calls[call](t.Context(), emitter.New(client, opts).To(to...), args); err != nil {
			t.Fatalf("%s: %v", call, err)
		}
	}
}

// theirs returns one of Node's, by its version.
func theirs(t *testing.T, broker *redistest.Server, version string) emits {
	p := testkit.Node(t, testkit.Script{Path: "node-emitter.js", Args: []string{broker.Host(), strconv.Itoa(broker.Port()), version}})
	return func(call string, to []string, args ...any) {
		t.Helper()
		if to == nil {
			to = []string{}
		}
		args = append([]any{}, args...) // not nil
		for i, a := range args {
			if b, ok := a.([]byte); ok {
				args[i] = map[string]string{"$binary": hex.EncodeToString(b)}
			}
		}
		p.Send(map[string]any{"call": call, "to": to, "args": args})
		var done string
		p.Expect(&done)
	}
}

// A listener is a client of one server.
type listener struct {
	*siotest.Client
	name string
}

func listeners(t *testing.T, servers map[string]server) (list []listener) {
	for name, s := range servers {
		list = append(list, listener{siotest.At(t, strings.TrimPrefix(s.URL, "http://")).Join("/"), name})
	}
	return list
}

// settle returns when all hear what is emitted to the rooms, and have heard it.
func settle(t *testing.T, io emits, all []listener, to ...string) {
	t.Helper()
	stop, stopped := make(chan struct{}), make(chan struct{})
	heard := make(chan string, len(all))
	for _, l := range all {
		go func() {
			for l.Text() != `2["ping"]` {
			}
			heard <- l.name
		}()
	}
	go func() {
		defer close(stopped)
		for range all {
			<-heard
		}
		close(stop)
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		io("emit", to, "ping")
		select {
		case <-stop:
		case <-time.After(10 * time.Millisecond):
			if time.Now().After(deadline) {
				t.Fatalf("not all hear what is emitted to %q", to)
			}
			continue
		}
		break
	}
	<-stopped
	io("emit", to, "settled")
	for _, l := range all {
		for text := l.Text(); text != `2["settled"]`; text = l.Text() {
			if text != `2["ping"]` {
				t.Fatalf("%s heard %s", l.name, text)
			}
		}
	}
}

// emitAll emits in every way, and looks at what comes of it.
func emitAll(t *testing.T, io emits, all []listener) {
	settle(t, io, all)
	io("emit", nil, "ev", "글", []byte{0, 255})
	for _, l := range all {
		l.Want(`51-["ev","글",{"_placeholder":true,"num":0}]`)
		l.WantBinary([]byte{0, 255})
	}
	io("socketsJoin", nil, "lobby")
	settle(t, io, all, "lobby")
	io("emit", []string{"lobby", "다른 방"}, "rooms", nil)
	io("socketsLeave", []string{"lobby"}, "lobby")
	io("emit", nil, "left")
	io("emit", []string{"lobby"}, "nobody")
	io("emit", nil, "all", map[string]any{"a": 1})
	for _, l := range all {
		l.Want(`2["rooms",null]`, `2["left"]`, `2["all",{"a":1}]`)
	}
	io("serverSideEmit", nil, "note", "안녕")
	for _, l := range all {
		waitNoted(t, l)
	}
	io("disconnectSockets", nil)
	for _, l := range all {
		l.Want("1")
	}
}

// waitNoted returns when the listener's server has noted what it was told.
func waitNoted(t *testing.T, l listener) {
	t.Helper()
	for id, deadline := 1, time.Now().Add(20*time.Second); ; id++ {
		if err := l.Send(fmt.Sprintf(`2%d["notes"]`, id)); err != nil {
			t.Fatal(err)
		}
		text, _ := strings.CutPrefix(l.Text(), fmt.Sprintf("3%d", id))
		var answer [][]string
		if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer) != 1 {
			t.Fatalf("%s answers %q: %v", l.name, text, err)
		}
		if len(answer[0]) == 1 && answer[0][0] == "안녕" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has noted %q", l.name, answer)
		}
	}
}

// TestEmitter emits with package emitter to servers of Node.js and of Damso.
func TestEmitter(t *testing.T) {
	for mode, opts := range emitterOptions {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			broker := redistest.Start(t)
			emitAll(t, ours(t, broker, opts), listeners(t, start(t, broker, mode, 0)))
		})
	}
}

// TestNodeEmitters emits with those of Node.js to servers of Damso and of Node.js.
func TestNodeEmitters(t *testing.T) {
	t.Run("redis-emitter 5", func(t *testing.T) {
		broker := redistest.Start(t)
		emitAll(t, theirs(t, broker, "5"), listeners(t, start(t, broker, "classic", 0, 1)))
	})
	t.Run("socket.io-emitter 3", func(t *testing.T) {
		broker := redistest.Start(t)
		all := listeners(t, start(t, broker, "classic", 0, 1))
		io := theirs(t, broker, "3")
		settle(t, io, all)
		io("emit", nil, "ev", "글", []byte{0, 255})
		io("emit", []string{"nobody"}, "nobody")
		io("emit", nil, "all", map[string]any{"a": 1})
		for _, l := range all {
			l.Want(`51-["ev","글",{"_placeholder":true,"num":0}]`)
			l.WantBinary([]byte{0, 255})
			l.Want(`2["all",{"a":1}]`)
		}
	})
}
