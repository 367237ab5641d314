package redis_test

import (
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// clusterLacks is what the messages of the cluster adapters have no place for.
var clusterLacks = adaptertest.Lacks{
	Ask:          []adapter.Kind{adapter.Join, adapter.Leave, adapter.Disconnect},
	AckArguments: true,
	Slow:         true,
}

// cluster returns nodes with the options on a new Redis.
func cluster(opts redis.Options) func(t *testing.T, n int) []adapter.Adapter {
	return func(t *testing.T, n int) []adapter.Adapter {
		server := redistest.Start(t)
		nodes := make([]adapter.Adapter, n)
		for i := range nodes {
			opts := opts
			opts.Logger = quiet
			nodes[i] = wired(rueidis.ClientOption{InitAddress: []string{server.Addr()}}, opts)
		}
		return nodes
	}
}

func TestConformanceSharded(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]redis.Mode{
		"dynamic":         redis.ShardedDynamic,
		"dynamic-private": redis.ShardedDynamicPrivate,
		"static":          redis.ShardedStatic,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.Suite{Lacks: clusterLacks, Kill: cutOff, Cluster: cluster(redis.Options{Mode: mode})}.Run(t)
		})
	}
}

// TestSharedChannel: with # in a name, a room of one namespace has the channel of another.
func TestSharedChannel(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]redis.Options{
		"sharded": {Mode: redis.ShardedDynamic},
		"exact":   {ExactRooms: true},
		"streams": {Mode: redis.Streams},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := adaptertest.Start(t, cluster(opts)(t, 2)...)
			room := adaptertest.Open(t, "/a", nodes...)
			adaptertest.Enter(t, room, "b")
			names := adaptertest.Open(t, "/a#b", nodes...)
			talk := func(i int) {
				t.Helper()
				room[0].Send(t, adaptertest.Event("room", i, "b"))
				names[1].Send(t, adaptertest.Event("namespace", i))
				room[1].Want(t, adaptertest.Event("room", i, "b"))
				names[0].Want(t, adaptertest.Event("namespace", i))
			}
			for i := range 10 {
				talk(i)
			}
			names[0].Close()
			names[1].Close()
			room[0].Send(t, adaptertest.Event("room", 10, "b"))
			room[1].Want(t, adaptertest.Event("room", 10, "b"))
			names = adaptertest.Open(t, "/a#b", nodes...)
			talk(11)
			room[0].Close()
			room[1].Close()
			names[1].Send(t, adaptertest.Event("namespace", 12))
			names[0].Want(t, adaptertest.Event("namespace", 12))
		})
	}
}
