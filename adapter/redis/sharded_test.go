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
