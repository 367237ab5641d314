package redis_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// clusterModes are the modes whose channels or keys belong to slots of a Redis Cluster.
var clusterModes = map[string]redis.Options{
	"dynamic":          {Mode: redis.ShardedDynamic},
	"static":           {Mode: redis.ShardedStatic},
	"streams":          {Mode: redis.Streams, Streams: redis.StreamOptions{Count: 3}},
	"streams, sharded": {Mode: redis.Streams, Streams: redis.StreamOptions{Sharded: true}},
}

// onCluster returns n nodes that use a Redis Cluster.
func onCluster(c *redistest.Cluster, opts redis.Options, n int) []adapter.Adapter {
	opts.Logger = quiet
	nodes := make([]adapter.Adapter, n)
	for i := range nodes {
		nodes[i] = redis.New(rueidis.ClientOption{InitAddress: c.Addrs()}, opts)
	}
	return nodes
}

// TestCluster: what is heard at several servers of a Redis Cluster. Between channels
// there is no order there.
func TestCluster(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	for name, opts := range clusterModes {
		t.Run(name, func(t *testing.T) {
			opts.Prefix = "p" + name
			nodes := adaptertest.Start(t, onCluster(servers, opts, 3)...)
			for _, nsp := range []string{"/", "/chat", "/a", "/b"} {
				members := adaptertest.Open(t, nsp, nodes...)
				adaptertest.WaitServers(t, members...)
				for i := range 8 {
					room := fmt.Sprint("room", i)
					adaptertest.Enter(t, members, room)
					for j := range 20 {
						members[0].Send(t, adaptertest.Event("e", j, room))
					}
					for j := range 20 {
						members[1].Want(t, adaptertest.Event("e", j, room))
						members[2].Want(t, adaptertest.Event("e", j, room))
					}
				}
				op := adaptertest.Event("ask", 1)
				op.Kind, op.Timeout = adapter.ServerSide, 20*time.Second
				answers, err := members[2].Question(t, op)
				if len(answers) != 2 || err != nil {
					t.Errorf("%d answers, %v; want 2", len(answers), err)
				}
				for _, m := range members[:2] {
					m.Want(t, op)
				}
			}
		})
	}
}

// TestClusterBatches: what belongs to several slots, and what belongs to none, may wait to
// be published at the same time.
func TestClusterBatches(t *testing.T) {
	servers := redistest.StartCluster(t)
	for name, opts := range clusterModes {
		t.Run(name, func(t *testing.T) {
			opts.Prefix = "b" + name
			nodes, letters := onCluster(servers, opts, 2), make(chan struct{}, 1000)
			nodes[1].(adapter.Mesh).Receive(func(string, []byte) { letters <- struct{}{} })
			adaptertest.Start(t, nodes...)
			members := adaptertest.Open(t, "/", nodes...)
			other := adaptertest.Open(t, "/other", nodes...)
			for i := range 1000 {
				members[0].Send(t, adaptertest.Event("e", i))
				other[0].Send(t, adaptertest.Event("e", i))
				if err := nodes[0].(adapter.Mesh).Send("", []byte("letter")); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 1000 {
				members[1].Want(t, adaptertest.Event("e", i))
				other[1].Want(t, adaptertest.Event("e", i))
				<-letters
			}
		})
	}
}

// TestSlotMoves: a channel is heard again at the server that its slot has moved to.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	nodes := adaptertest.Start(t, onCluster(servers, redis.Options{Mode: redis.ShardedDynamic}, 2)...)
	members := adaptertest.Open(t, "/", nodes...)
	adaptertest.Enter(t, members, "room")
	slot := servers.Slot("socket.io#/#room#")
	before := nodes[0].(*redis.Adapter).Stats().Connects
	servers.MoveSlot(slot, (servers.Owner(slot)+1)%3)
	adaptertest.Wait(t, "connected again", func() error {
		if now := nodes[0].(*redis.Adapter).Stats().Connects; now == before {
			return fmt.Errorf("connected %d times", now)
		}
		return nodes[0].Ready()
	})
	adaptertest.WaitReady(t, nodes[1])
	adaptertest.Enter(t, members, "room")
}

// TestCountFails: a server of a Redis Cluster that can't say how many listen to it spoils
// no question. The answers are there, and that there may be more is told.
func TestCountFails(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	modes := map[string]redis.Options{"classic": {}}
	maps.Copy(modes, clusterModes)
	for name, opts := range modes {
		opts.Prefix = "p" + name
		nodes := adaptertest.Start(t, onCluster(servers, opts, 3)...)
		members := adaptertest.Open(t, "/", nodes...)
		adaptertest.WaitServers(t, members...)
		ask := func() ([]adapter.Answer, error) {
			return members[0].Question(t, &adapter.Operation{Kind: adapter.Fetch})
		}
		for _, server := range servers.Servers {
			server.Do("ACL", "SETUSER", "default", "-pubsub")
			answers, err := ask()
			var missing *adapter.MissingError
			if !errors.As(err, &missing) || !missing.Unknown || len(missing.Nodes) > 0 || missing.Others > 0 ||
				!strings.Contains(err.Error(), "count servers: "+server.Addr()) {
				t.Errorf("%s: %v; want who could not count", name, err)
			}
			if len(answers) != 2 {
				t.Errorf("%s: %d answers, want 2", name, len(answers))
			}
			if n, err := members[0].Servers(t.Context()); n != 3 || err == nil {
				t.Errorf("%s: %d servers, %v", name, n, err)
			}
			server.Do("ACL", "SETUSER", "default", "+pubsub")
			if answers, err = ask(); len(answers) != 2 || err != nil {
				t.Errorf("%s, in the end: %d answers, %v", name, len(answers), err)
			}
		}
	}
}

// TestUnknownEndpoint: servers of a Redis Cluster that do not say their hosts are at the
// one where they were asked.
func TestUnknownEndpoint(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	for _, s := range servers.Servers {
		s.Do("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
	}
	nodes := adaptertest.Start(t, onCluster(servers, redis.Options{Mode: redis.ShardedDynamic}, 2)...)
	members := adaptertest.Open(t, "/", nodes...)
	for i := range 8 {
		adaptertest.Enter(t, members, fmt.Sprint("room", i))
	}
}

// TestCountHangs: a server of a Redis Cluster that hangs holds questions up once, for a
// second, and is not asked again for a while.
func TestCountHangs(t *testing.T) {
	t.Parallel()
	servers := redistest.StartCluster(t)
	client := rueidis.ClientOption{InitAddress: servers.Addrs(), ClientName: "asks"}
	asks := redis.New(client, redis.Options{Logger: quiet})
	members := adaptertest.Open(t, "/", adaptertest.Start(t, asks)...)
	adaptertest.WaitServers(t, members...)
	ask := func() string {
		_, err := members[0].Question(t, &adapter.Operation{Kind: adapter.Fetch})
		return fmt.Sprint(err)
	}
	idle := idleServer(t, servers)
	idle.Pause()
	for _, want := range []string{idle.Addr() + ": context deadline exceeded", idle.Addr() + ": did not answer a moment ago"} {
		if err := ask(); !strings.Contains(err, want) {
			t.Errorf("%s, want %s", err, want)
		}
	}
	idle.Resume()
	adaptertest.Wait(t, "counted again", func() error {
		if err := ask(); err != "<nil>" {
			return errors.New(err)
		}
		return nil
	})
}

// idleServer returns a server over which the node that asks neither listens nor publishes.
func idleServer(t *testing.T, servers *redistest.Cluster) *redistest.Server {
	for i, s := range servers.Servers {
		idle := i != servers.Owner(servers.Slot("{socket.io}"))
		for line := range strings.Lines(fmt.Sprint(s.Do("CLIENT", "LIST"))) {
			if strings.Contains(line, "name=asks") && !(strings.Contains(line, " sub=0") && strings.Contains(line, " psub=0")) {
				idle = false
			}
		}
		if idle {
			return s
		}
	}
	t.Fatal("there is none")
	return nil
}
