package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// A deployment is a Redis, and how to connect to it.
type deployment struct {
	client rueidis.ClientOption
	opts   redis.Options
}

// TestDeployments runs the suite on Redis as it is run: with Sentinel, as a Cluster and
// with TLS. TestUsers has users.
func TestDeployments(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) deployment{
		"sentinel": func(t *testing.T) deployment {
			return deployment{client: sentinelOption(redistest.StartSentinel(t))}
		},
		"cluster": func(t *testing.T) deployment {
			return deployment{client: rueidis.ClientOption{InitAddress: redistest.StartCluster(t).Addrs()}}
		},
		"TLS": func(t *testing.T) deployment {
			s := redistest.StartTLS(t)
			return deployment{client: rueidis.ClientOption{InitAddress: []string{s.Addr()}, TLSConfig: s.TLS()}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, tests := start(t), 0
			adaptertest.Suite{Lacks: lacks, Kill: cutOff, Oversize: redis.MaxMessage + 1, Cluster: func(t *testing.T, n int) []adapter.Adapter {
				opts := d.opts
				opts.Logger = quiet
				tests++
				opts.Prefix = fmt.Sprint("socket.io", tests, ".") // each test has channels of its own
				nodes := make([]adapter.Adapter, n)
				for i := range nodes {
					nodes[i] = wired(d.client, opts)
				}
				return nodes
			}}.Run(t)
		})
	}
}

func sentinelOption(c *redistest.Sentinel) rueidis.ClientOption {
	o := rueidis.ClientOption{InitAddress: c.Addrs()}
	o.Sentinel.MasterSet = redistest.MasterSet
	return o
}

// TestForbidden: what a user may not do is the reason that is told.
func TestForbidden(t *testing.T) {
	s := redistest.Start(t)
	s.Do("ACL", "SETUSER", "default", "-psubscribe")
	a := node(s.Addr())
	adaptertest.Launch(t, a)
	if _, err := a.Open("/", nil); err != nil {
		t.Fatal(err)
	}
	adaptertest.Wait(t, "told why", func() error {
		if err := a.Ready(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			return errors.New("it says: " + errorText(err))
		}
		return nil
	})
}

func errorText(err error) string {
	if err == nil {
		return "nothing"
	}
	return err.Error()
}

// TestNoShards: on a Redis without sharded PUB/SUB, as before 7.0, that is the reason that
// is told.
func TestNoShards(t *testing.T) {
	s := redistest.Start(t)
	if s.AtLeast(7, 0) {
		s = redistest.Start(t, "--rename-command", "SSUBSCRIBE", "")
	}
	for name, opts := range map[string]redis.Options{
		"dynamic":          {Mode: redis.ShardedDynamic},
		"static":           {Mode: redis.ShardedStatic},
		"streams, sharded": {Mode: redis.Streams, Streams: redis.StreamOptions{Sharded: true}},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Logger = quiet
			a := redis.New(rueidis.ClientOption{InitAddress: []string{s.Addr()}}, opts)
			adaptertest.Launch(t, a)
			if _, err := a.Open("/", nil); err != nil {
				t.Fatal(err)
			}
			adaptertest.Wait(t, "told why", func() error {
				if err := a.Ready(); !errors.Is(err, redis.ErrNoShards) {
					return errors.New("it says: " + errorText(err))
				}
				return nil
			})
		})
	}
}
