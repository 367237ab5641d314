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

// permissions are what a user of Redis must be allowed to, as the package's
// documentation has them.
const permissions = "resetchannels &socket.io* nocommands +hello +ping +publish +subscribe +unsubscribe +psubscribe +punsubscribe +pubsub|numsub"

// keeping is what that user needs besides for clients that come back to any node.
const keeping = " ~{socket.io* +evalsha +script|load +get +set +del +hget +hmget +hset +hdel +xadd +xlen +xrange +pexpire +pttl +time"

// A deployment is a Redis, and how to connect to it.
type deployment struct {
	client rueidis.ClientOption
	opts   redis.Options
}

// TestDeployments runs the suite on Redis as it is run: with Sentinel, as a Cluster, with
// TLS and with a user that may do no more than it must.
func TestDeployments(t *testing.T) {
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
		"user": func(t *testing.T) deployment { // patterns want permission for all channels
			return user(t, permissions+keeping+" allchannels", redis.Options{})
		},
		"user, exact rooms": func(t *testing.T) deployment {
			return user(t, permissions, redis.Options{ExactRooms: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, tests := start(t), 0
			adaptertest.Suite{Lacks: lacks, Oversize: redis.MaxMessage + 1, Cluster: func(t *testing.T, n int) []adapter.Adapter {
				opts := d.opts
				opts.Logger = quiet
				tests++
				opts.Prefix = fmt.Sprint("socket.io", tests, ".") // each test has channels of its own
				nodes := make([]adapter.Adapter, n)
				for i := range nodes {
					nodes[i] = redis.New(d.client, opts)
				}
				return nodes
			}}.Run(t)
		})
	}
}

// user returns a Redis with a user who has the permissions.
func user(t *testing.T, permissions string, opts redis.Options) deployment {
	s := redistest.Start(t)
	s.Do(append([]string{"ACL", "SETUSER", "damso", "on", ">secret"}, strings.Fields(permissions)...)...)
	s.Do("ACL", "SETUSER", "default", "off")
	return deployment{rueidis.ClientOption{InitAddress: []string{s.Addr()}, Username: "damso", Password: "secret"}, opts}
}

// TestUserOfModes: in the other modes a user needs what the documentation says.
func TestUserOfModes(t *testing.T) {
	for mode, more := range map[redis.Mode]string{
		redis.ShardedDynamic: " +spublish +ssubscribe +sunsubscribe +pubsub|shardnumsub",
		redis.Streams:        " ~socket.io* +xadd +xread +xrange +xinfo|stream +pexpire",
	} {
		d := user(t, permissions+more, redis.Options{Mode: mode, Logger: quiet})
		a, b := redis.New(d.client, d.opts), redis.New(d.client, d.opts)
		adaptertest.Start(t, a, b)
		members := adaptertest.Open(t, "/", a, b)
		members[0].Send(t, adaptertest.Event("e", 1))
		members[1].Want(t, adaptertest.Event("e", 1))
		if n, err := members[0].Servers(t.Context()); n != 2 || err != nil {
			t.Errorf("mode %d: %d servers, %v", mode, n, err)
		}
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
