package emitter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"github.com/damso/damso/emitter"
	"github.com/damso/damso/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type object = map[string]any

// calls are those that test/redisnode records of @socket.io/redis-emitter.
var calls = map[string]func(ctx context.Context, io *emitter.Emitter) error{
	"emit": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Emit(ctx, "ev", "é", 1, object{"b": []any{nil, true}})
	},
	"emit in a namespace": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("/chat").Emit(ctx, "ev")
	},
	"emit in a namespace without slash": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("chat").Emit(ctx, "ev")
	},
	"emit to a room": func(ctx context.Context, io *emitter.Emitter) error {
		return io.To("room1").Emit(ctx, "ev", 1)
	},
	"emit to rooms": func(ctx context.Context, io *emitter.Emitter) error {
		return io.To("room1").In("방", "room1").Emit(ctx, "ev", 1)
	},
	"emit with exceptions": func(ctx context.Context, io *emitter.Emitter) error {
		return io.To("room1").Except("a", "b").Except("b").Emit(ctx, "ev", 1)
	},
	"emit binary": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Emit(ctx, "ev", object{"b": []byte{1, 255}})
	},
	"emit volatile": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Volatile().Emit(ctx, "ev", 1)
	},
	"emit not compressed": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Compress(false).Emit(ctx, "ev", 1)
	},
	"emit with both flags": func(ctx context.Context, io *emitter.Emitter) error {
		return io.To("a").Volatile().Compress(false).Emit(ctx, "ev", 1)
	},
	"join": func(ctx context.Context, io *emitter.Emitter) error {
		return io.In("room1").Except("room2").SocketsJoin(ctx, "a", `"방"`)
	},
	"leave": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("/chat").SocketsLeave(ctx, "a")
	},
	"disconnect": func(ctx context.Context, io *emitter.Emitter) error {
		return io.In("a", "b").DisconnectSockets(ctx, false)
	},
	"disconnect and close": func(ctx context.Context, io *emitter.Emitter) error {
		return io.DisconnectSockets(ctx, true)
	},
	"server-side": func(ctx context.Context, io *emitter.Emitter) error {
		return io.Of("/chat").ServerSideEmit(ctx, "hello", "세계", object{"a": 1})
	},
}

// connect returns a client of a new Redis.
func connect(t *testing.T) rueidis.Client {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redistest.Start(t).Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// listen returns what is published, from now on. With shards, the channels are those
// of sharded PUB/SUB.
func listen(t *testing.T, client rueidis.Client, cmd rueidis.Completed) <-chan rueidis.PubSubMessage {
	messages := make(chan rueidis.PubSubMessage, 100)
	dedicated, release := client.Dedicate()
	closed := dedicated.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(m rueidis.PubSubMessage) { messages <- m }})
	if err := dedicated.Do(t.Context(), cmd).Error(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dedicated.Close()
		<-closed
		release()
	})
	return messages
}

func next(t *testing.T, messages <-chan rueidis.PubSubMessage) rueidis.PubSubMessage {
	t.Helper()
	select {
	case m := <-messages:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was published")
		return rueidis.PubSubMessage{}
	}
}

func TestClassicAsNode(t *testing.T) {
	text, err := os.ReadFile("testdata/node.json")
	if err != nil {
		t.Fatal(err)
	}
	var recordings []struct {
		Name, Channel string
		Payload       []byte
	}
	if err := json.Unmarshal(text, &recordings); err != nil {
		t.Fatal(err)
	}
	if len(recordings) != len(calls) {
		t.Errorf("%d recordings of %d calls", len(recordings), len(calls))
	}
	client := connect(t)
	published := listen(t, client, client.B().Psubscribe().Pattern("*").Build())
	for _, r := range recordings {
		t.Run(r.Name, func(t *testing.T) {
			if err := calls[r.Name](t.Context(), emitter.New(client, emitter.Options{})); err != nil {
				t.Fatal(err)
			}
			got := next(t, published)
			if got.Channel != r.Channel || got.Message != string(r.Payload) {
				t.Errorf("not as Node.js writes it:\n got %q %q\nwant %q %q", got.Channel, got.Message, r.Channel, r.Payload)
			}
		})
	}
}

func TestSharded(t *testing.T) {
	client := connect(t)
	published := listen(t, client, client.B().Ssubscribe().Channel("x#/#", "x#/#a#", "x#/#abcdefghij0123456789#").Build())
	id := "abcdefghij0123456789"
	for _, test := range []struct {
		mode    emitter.Mode
		send    func(ctx context.Context, io *emitter.Emitter) error
		channel string
		message string
	}{
		{emitter.ShardedDynamic, func(ctx context.Context, io *emitter.Emitter) error { return io.Emit(ctx, "ev", 1) }, "x#/#",
			`{"type":3,"data":{"packet":{"type":2,"data":["ev",1]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedDynamic, func(ctx context.Context, io *emitter.Emitter) error {
			return io.To("a").Except("b").Volatile().Emit(ctx, "ev")
		}, "x#/#a#",
			`{"type":3,"data":{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":["a"],"except":["b"],"flags":{"volatile":true}}},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedStatic, func(ctx context.Context, io *emitter.Emitter) error { return io.To("a").Emit(ctx, "ev") }, "x#/#",
			`{"type":3,"data":{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":["a"],"except":[],"flags":{}}},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedDynamic, func(ctx context.Context, io *emitter.Emitter) error { return io.To(id).Emit(ctx, "ev") }, "x#/#",
			`{"type":3,"data":{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":["abcdefghij0123456789"],"except":[],"flags":{}}},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedDynamicPrivate, func(ctx context.Context, io *emitter.Emitter) error { return io.To(id).Emit(ctx, "ev") }, "x#/#abcdefghij0123456789#",
			`{"type":3,"data":{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":["abcdefghij0123456789"],"except":[],"flags":{}}},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedDynamic, func(ctx context.Context, io *emitter.Emitter) error { return io.In("a").SocketsJoin(ctx, "b") }, "x#/#",
			`{"type":4,"data":{"opts":{"rooms":["a"],"except":[],"flags":{}},"rooms":["b"]},"uid":"emitter","nsp":"/"}`},
		{emitter.ShardedDynamic, func(ctx context.Context, io *emitter.Emitter) error {
			return io.ServerSideEmit(ctx, "hello", []byte{1})
		}, "x#/#",
			"\x84\xa4type\x09\xa4data\x81\xa6packet\x92\xa5hello\xc4\x01\x01\xa3uid\xa7emitter\xa3nsp\xa1/"},
	} {
		if err := test.send(t.Context(), emitter.New(client, emitter.Options{Mode: test.mode, Prefix: "x"})); err != nil {
			t.Fatal(err)
		}
		if got := next(t, published); got.Channel != test.channel || got.Message != test.message {
			t.Errorf("\n got %q %q\nwant %q %q", got.Channel, got.Message, test.channel, test.message)
		}
	}
}

// TestStreams compares with what @socket.io/redis-streams-emitter 0.1 adds to a stream,
// but for the nsp that it also writes into packets, where no server looks for it.
func TestStreams(t *testing.T) {
	client := connect(t)
	io := emitter.New(client, emitter.Options{Mode: emitter.Streams, StreamCount: 3, MaxLen: 2})
	ctx := t.Context()
	for _, err := range []error{
		io.To("a").Emit(ctx, "ev", "é"),
		io.Emit(ctx, "ev", []byte{1}),
		io.DisconnectSockets(ctx, true),
		io.ServerSideEmit(ctx, "hello", 1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := client.Do(ctx, client.B().Xrange().Key("socket.io-2").Start("-").End("+").Build()).AsXRange()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		v := e.FieldValues
		got = append(got, fmt.Sprint(v["uid"], " ", v["nsp"], " ", v["type"], " ", v["data"]))
	}
	want := []string{
		`emitter / 3 {"packet":{"type":2,"data":["ev","é"]},"opts":{"rooms":["a"],"except":[],"flags":{}}}`,
		`emitter / 3 gqZwYWNrZXSCpHR5cGUCpGRhdGGSomV2xAEBpG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA==`,
		`emitter / 6 {"opts":{"rooms":[],"except":[],"flags":{}},"close":true}`,
		`emitter / 9 {"packet":["hello",1]}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestErrors(t *testing.T) {
	client := connect(t)
	io := emitter.New(client, emitter.Options{})
	if err := io.Emit(t.Context(), "connect"); !errors.Is(err, emitter.ErrReserved) {
		t.Errorf("a reserved name: %v", err)
	}
	if err := io.ServerSideEmit(t.Context(), "e", []byte{1}); !errors.Is(err, emitter.ErrBinary) {
		t.Errorf("binary for servers: %v", err)
	}
	if err := io.Emit(t.Context(), "e", func() {}); err == nil {
		t.Error("a function was sent")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := io.Emit(ctx, "e"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
}

// TestImmutable: an emitter is not changed by those that are made of it.
func TestImmutable(t *testing.T) {
	client := connect(t)
	published := listen(t, client, client.B().Psubscribe().Pattern("*").Build())
	base := emitter.New(client, emitter.Options{}).To("a")
	base.To("b")
	base.Except("c").Volatile().Compress(false)
	base.Of("/x")
	if err := base.Emit(t.Context(), "ev"); err != nil {
		t.Fatal(err)
	}
	want := "\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa2ev\xa3nsp\xa1/\x83\xa5rooms\x91\xa1a\xa5flags\x80\xa6except\x90"
	if got := next(t, published); got.Channel != "socket.io#/#a#" || got.Message != want {
		t.Errorf("\n got %q %q\nwant %q", got.Channel, got.Message, want)
	}
}
