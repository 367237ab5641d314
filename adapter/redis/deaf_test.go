package redis_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/redis/rueidis"
	"github.com/rs/zerolog"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// ways leads each connection of a node through a proxy of its own.
type ways struct {
	api *toxiproxy.ApiServer

	mu   sync.Mutex
	open []*way
}

// A way is one connection.
type way struct {
	net.Conn
	all     *ways
	proxy   *toxiproxy.Proxy
	listens bool // something was subscribed or read; guarded by all.mu
}

func newWays() *ways {
	return &ways{api: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())}
}

func (w *ways) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	p := toxiproxy.NewProxy(w.api, "way", "127.0.0.1:0", addr)
	if err := p.Start(); err != nil {
		return nil, err
	}
	conn, err := d.DialContext(ctx, "tcp", p.Listen)
	if err != nil {
		p.Stop()
		return nil, err
	}
	c := &way{Conn: conn, all: w, proxy: p}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = append(w.open, c)
	return c, nil
}

// Write notices what makes a connection one that listens.
func (c *way) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("SUBSCRIBE\r\n")) || bytes.Contains(b, []byte("XREAD\r\n")) {
		c.all.mu.Lock()
		c.listens = true
		c.all.mu.Unlock()
	}
	return c.Conn.Write(b)
}

// Close takes the proxy away, too.
func (c *way) Close() error {
	err := c.Conn.Close()
	c.all.mu.Lock()
	for i, o := range c.all.open {
		if o == c {
			c.all.open = append(c.all.open[:i], c.all.open[i+1:]...)
			defer c.proxy.Stop()
			break
		}
	}
	c.all.mu.Unlock()
	return err
}

// listening returns the connections that listen.
func (w *ways) listening() (list []*way) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		if c.listens {
			list = append(list, c)
		}
	}
	return list
}

// TestDeaf has each connection that listens, one after the other, stay open and deliver
// nothing any more. Nothing but its canary tells so: the client sends no PING.
func TestDeaf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts    redis.Options
		cluster bool
		want    int // connections that listen
	}{
		"classic":         {redis.Options{}, false, 1},
		"sharded":         {redis.Options{Mode: redis.ShardedDynamic}, false, 1},
		"sharded cluster": {redis.Options{Mode: redis.ShardedDynamic}, true, 4},
		"streams":         {redis.Options{Mode: redis.Streams}, false, 2},
		"streams cluster": {redis.Options{Mode: redis.Streams, Streams: redis.StreamOptions{Count: 2}}, true, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var client rueidis.ClientOption
			if test.cluster {
				client.InitAddress = redistest.StartCluster(t).Addrs()
			} else {
				client.InitAddress = []string{redistest.Start(t).Addr()}
			}
			client.Dialer.KeepAlive = time.Hour
			test.opts.Logger = quiet
			talks := redis.New(client, test.opts)
			all := newWays()
			client.DialCtxFn = all.dial
			a := redis.New(client, test.opts)
			adaptertest.Start(t, talks, a)
			members := adaptertest.Open(t, "/", talks, a)
			whole := func() {
				t.Helper()
				for i := range 8 { // their channels are at all servers
					adaptertest.Enter(t, members, fmt.Sprint("room", i))
				}
				adaptertest.WaitReady(t, a)
			}
			whole()
			if n := len(all.listening()); n != test.want {
				t.Errorf("%d connections listen, want %d", n, test.want)
			}
			for i := range test.want {
				deaf := all.listening()[i]
				toxic := strings.NewReader(`{"type":"timeout","attributes":{"timeout":0}}`)
				if _, err := deaf.proxy.Toxics.AddToxicJson(toxic); err != nil {
					t.Fatal(err)
				}
				if err := adaptertest.WaitNotReady(t, a); !strings.Contains(err.Error(), "hear") {
					t.Errorf("connection %d: not ready: %v", i, err)
				}
				adaptertest.WaitReady(t, a)
				whole()
			}
			if n := talks.Stats().Undecodable; n != 0 {
				t.Errorf("%d messages were not understood", n)
			}
		})
	}
}
