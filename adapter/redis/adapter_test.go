package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

func node(addr string) *redis.Adapter {
	return redis.New(rueidis.ClientOption{InitAddress: []string{addr}}, redis.Options{Logger: quiet})
}

// lacks is what the classic wire format has no place for.
var lacks = adaptertest.Lacks{
	Ask:          []adapter.Kind{adapter.Join, adapter.Leave, adapter.Disconnect},
	AckArguments: true,
	Slow:         true,
}

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Suite{Lacks: lacks, Kill: cutOff, Cluster: cluster(redis.Options{})}.Run(t)
}

// TestConformanceSocketIO2: what is for servers of socket.io 2 only is not in the way.
func TestConformanceSocketIO2(t *testing.T) {
	t.Parallel()
	lacks := lacks
	lacks.Binary = true
	adaptertest.Suite{Lacks: lacks, Kill: crash, Cluster: cluster(redis.Options{SocketIO2: true})}.Run(t)
}

func TestConformanceMiniredis(t *testing.T) {
	t.Parallel()
	lacks := lacks
	lacks.Expiry = true // time does not pass there
	lacks.Place = true  // messages to patterns and to channels may overtake each other there
	adaptertest.Suite{Lacks: lacks, Kill: crash, Cluster: func(t *testing.T, n int) []adapter.Adapter {
		server := miniredis.RunT(t)
		nodes := make([]adapter.Adapter, n)
		for i := range nodes {
			nodes[i] = wired(rueidis.ClientOption{
				InitAddress:       []string{server.Addr()},
				AlwaysRESP2:       true,
				ForceSingleClient: true,
			}, redis.Options{Logger: quiet})
		}
		return nodes
	}}.Run(t)
}

func TestNoRedis(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	a := node(server.Addr())
	nsp, err := a.Open("/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(); !errors.Is(err, redis.ErrUnavailable) {
		t.Errorf("Ready before Run: %v, want ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	if err := nsp.Publish(adaptertest.Event("e", 1)); !errors.Is(err, redis.ErrUnavailable) {
		t.Errorf("Publish: %v, want ErrUnavailable", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := a.Run(t.Context()); err == nil {
		t.Error("Run could be called twice")
	}
	if got := a.Stats(); got != (redis.Stats{Dropped: 1}) {
		t.Errorf("Stats: %+v", got)
	}
}
