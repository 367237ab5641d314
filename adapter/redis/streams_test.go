package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

func TestConformanceStreams(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]redis.StreamOptions{
		"one stream":  {},
		"three":       {Count: 3, ReadCount: 7},
		"and sharded": {Sharded: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := clusterLacks
			lacks.Place = true // events are in a stream, questions in PUB/SUB
			adaptertest.Suite{Lacks: lacks, Kill: cutOff, Cluster: cluster(redis.Options{Mode: redis.Streams, Streams: opts})}.Run(t)
		})
	}
}

// A gate is a network that can be cut.
type gate struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (g *gate) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut {
		return nil, errors.New("the network is cut")
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		g.conns = append(g.conns, conn)
	}
	return conn, err
}

func (g *gate) set(cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cut = cut
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

// TestStreamGoesOn: what was published while a node had no connection arrives when it
// has one again, or if the stream has been trimmed meanwhile, that is noticed.
func TestStreamGoesOn(t *testing.T) {
	server := redistest.Start(t)
	client := rueidis.ClientOption{InitAddress: []string{server.Addr()}}
	opts := redis.Options{Mode: redis.Streams, Streams: redis.StreamOptions{MaxLen: 1000, ReadCount: 10}, Logger: quiet}
	stays := redis.New(client, opts)
	var network gate
	client.DialCtxFn = network.dial
	goes := redis.New(client, opts)
	adaptertest.Start(t, stays, goes)
	members := adaptertest.Open(t, "/", stays, goes)
	away := func(from, to int) {
		network.set(true)
		adaptertest.WaitNotReady(t, goes)
		for i := from; i < to; i++ {
			members[0].Send(t, adaptertest.Event("e", i))
		}
		adaptertest.Wait(t, "published", func() error {
			if int(stays.Stats().Published) < to {
				return errors.New("some wait")
			}
			return nil
		})
		network.set(false)
		adaptertest.WaitReady(t, goes)
	}
	away(0, 500)
	for i := range 500 {
		members[1].Want(t, adaptertest.Event("e", i))
	}
	if n := goes.Stats().Trimmed; n != 0 {
		t.Errorf("trimmed %d times, nothing was lost", n)
	}
	away(500, 5000)
	last := adaptertest.Event("last", 0)
	members[0].Send(t, last)
	for op := members[1].Next(t); string(op.Event.Data) != string(last.Event.Data); op = members[1].Next(t) {
	}
	if n := goes.Stats().Trimmed; n == 0 {
		t.Error("what was lost was not noticed")
	}
}

// TestStreamFailsOver: a replica that becomes the primary may lack the entries that were
// added last. A node that has read them does not read again what it has read before.
func TestStreamFailsOver(t *testing.T) {
	server := redistest.Start(t)
	client := rueidis.ClientOption{InitAddress: []string{server.Addr()}}
	opts := redis.Options{Mode: redis.Streams, Logger: quiet}
	stays := redis.New(client, opts)
	var network gate
	client.DialCtxFn = network.dial
	goes := redis.New(client, opts)
	adaptertest.Start(t, stays, goes)
	members := adaptertest.Open(t, "/", stays, goes)
	for i := range 3 {
		members[0].Send(t, adaptertest.Event("e", i))
		members[1].Want(t, adaptertest.Event("e", i))
	}
	network.set(true)
	adaptertest.WaitNotReady(t, goes)
	entries := server.Do("XRANGE", "socket.io", "-", "+").([]any)
	server.Do("DEL", "socket.io")
	for _, entry := range entries[:2] {
		add := []string{"XADD", "socket.io", fmt.Sprint(entry.([]any)[0])}
		for _, field := range entry.([]any)[1].([]any) {
			add = append(add, fmt.Sprint(field))
		}
		server.Do(add...)
	}
	network.set(false)
	adaptertest.WaitReady(t, goes)
	members[0].Send(t, adaptertest.Event("last", 0))
	members[1].Want(t, adaptertest.Event("last", 0))
}

// TestStreamsEmitter has an entry as @socket.io/redis-streams-emitter 0.1 adds it.
func TestStreamsEmitter(t *testing.T) {
	server := redistest.Start(t)
	opts := redis.Options{Mode: redis.Streams, Logger: quiet}
	node := redis.New(rueidis.ClientOption{InitAddress: []string{server.Addr()}}, opts)
	adaptertest.Start(t, node)
	m := adaptertest.Open(t, "/chat", node)[0]
	server.Do("XADD", "socket.io", "MAXLEN", "~", "10000", "*", "uid", "emitter", "nsp", "/chat", "type", "1")
	server.Do("XADD", "socket.io", "MAXLEN", "~", "10000", "*", "uid", "emitter", "nsp", "/chat", "type", "3", "data",
		`{"packet":{"type":2,"data":["ev","é"],"nsp":"/chat"},"opts":{"rooms":["a"],"flags":{"volatile":true},"except":["b"]}}`)
	want := adaptertest.Event("ev", `"é"`, "a")
	want.Except, want.Flags.Volatile = []string{"b"}, true
	m.Want(t, want)
	if n := node.Stats().Undecodable; n != 0 {
		t.Errorf("%d messages were not understood", n)
	}
}

// TestStreamOptions: what Node.js servers call blockTimeInMs, sessionKeyPrefix and
// channelPrefix.
func TestStreamOptions(t *testing.T) {
	server := redistest.Start(t)
	server.Do("CONFIG", "SET", "slowlog-log-slower-than", "0")
	server.Do("CONFIG", "SET", "slowlog-max-len", "10000")
	a := redis.New(rueidis.ClientOption{InitAddress: []string{server.Addr()}}, redis.Options{
		Mode: redis.Streams, Logger: quiet, Prefix: "channels",
		Streams: redis.StreamOptions{Name: "stream", BlockTime: 20 * time.Millisecond, SessionPrefix: "kept:"},
	})
	stream, err := a.OpenStream("/", nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	adaptertest.Start(t, a)
	stream.Save(func() *adapter.StreamSession { return &adapter.StreamSession{PID: "pid", ID: "id"} })
	if err := stream.Publish(adaptertest.Event("e", 1)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"[XREAD COUNT 100 BLOCK 20 STREAMS stream stream-damso#", "[SET kept:pid ", "[SUBSCRIBE channels#/#", "[XADD stream MAXLEN ~ 10000 ",
	} {
		adaptertest.Wait(t, "said to Redis: "+want, func() error {
			if log := fmt.Sprint(server.Do("SLOWLOG", "GET", "-1")); !strings.Contains(log, want) {
				return errors.New("it was not")
			}
			return nil
		})
	}
}
