package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/redis/rueidis"
	"github.com/rs/zerolog"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/internal/redistest"
)

func single(addr string) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{addr}}
}

func TestKilled(t *testing.T) {
	server := redistest.Start(t)
	p := start(t, single(server.Addr()), single(server.Addr()))
	for range 3 {
		server.Kill()
		p.wantBroken(t, 0)
		p.wantBroken(t, 1)
		p.wantGoing(t)
		server.Restart()
		p.wantWhole(t)
	}
}

func TestPaused(t *testing.T) {
	server := redistest.Start(t)
	p := start(t, single(server.Addr()), single(server.Addr()))
	server.Pause()
	p.wantBroken(t, 0)
	p.wantBroken(t, 1)
	p.wantGoing(t)
	server.Resume()
	p.wantWhole(t)
}

// sentinel starts two nodes on servers that sentinels watch.
func sentinel(t *testing.T) (*redistest.Sentinel, *pair) {
	c := redistest.StartSentinel(t)
	option := rueidis.ClientOption{InitAddress: c.Addrs()}
	option.Sentinel.MasterSet = redistest.MasterSet
	return c, start(t, option, option)
}

// TestSentinelFailsOver has the old primary live on; for some seconds it takes itself for
// the primary. The nodes must leave it all the same.
func TestSentinelFailsOver(t *testing.T) {
	c, p := sentinel(t)
	c.Failover()
	p.wantGoing(t)
	for i, node := range p.nodes {
		adaptertest.Wait(t, "with the new primary", func() error {
			if node.Stats().Connects < 2 {
				return fmt.Errorf("node %d is with the old one", i)
			}
			return nil
		})
	}
	p.wantWhole(t)
}

func TestSentinelPrimaryKilled(t *testing.T) {
	c, p := sentinel(t)
	old := c.Primary()
	old.Kill()
	p.wantGoing(t)
	c.AwaitPrimaryOtherThan(old)
	p.wantWhole(t)
}

func TestClusterSlotMoves(t *testing.T) {
	c := redistest.StartCluster(t)
	p := start(t, rueidis.ClientOption{InitAddress: c.Addrs()}, rueidis.ClientOption{InitAddress: c.Addrs()})
	for _, channel := range []string{"socket.io#/#", "socket.io-request#/#"} {
		slot := c.Slot(channel)
		c.MoveSlot(slot, (c.Owner(slot)+1)%3)
		p.wantWhole(t)
	}
}

func TestClusterServerDies(t *testing.T) {
	c := redistest.StartCluster(t)
	p := start(t, rueidis.ClientOption{InitAddress: c.Addrs()}, rueidis.ClientOption{InitAddress: c.Addrs()})
	for _, server := range c.Servers {
		server.Kill()
		p.wantGoing(t)
		server.Restart()
		p.wantWhole(t)
	}
}

// proxy is a way to a server that can be broken.
func proxy(t *testing.T, server *redistest.Server) *toxiproxy.Proxy {
	t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(api, "redis", "127.0.0.1:0", server.Addr())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// toxic breaks the way from Redis to the node.
func toxic(t *testing.T, p *toxiproxy.Proxy, json string) {
	t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(json)); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsCut(t *testing.T) {
	server := redistest.Start(t)
	way := proxy(t, server)
	p := start(t, single(way.Listen), single(server.Addr()))
	for range 3 {
		way.Stop()
		p.wantBroken(t, 0)
		p.wantGoing(t)
		if err := way.Start(); err != nil {
			t.Fatal(err)
		}
		p.wantWhole(t)
	}
}

func TestConnectionsSlow(t *testing.T) {
	server := redistest.Start(t)
	way := proxy(t, server)
	p := start(t, single(way.Listen), single(server.Addr()))
	toxic(t, way, `{"type":"latency","attributes":{"latency":300,"jitter":200}}`)
	p.wantGoing(t)
	p.wantWhole(t)
	way.Toxics.ResetToxics(t.Context())
	p.wantWhole(t)
}

// TestDeaf has a connection that stays and delivers nothing.
func TestDeaf(t *testing.T) {
	server := redistest.Start(t)
	way := proxy(t, server)
	p := start(t, single(way.Listen), single(server.Addr()))
	toxic(t, way, `{"type":"timeout","attributes":{"timeout":0}}`)
	p.wantBroken(t, 0)
	p.wantGoing(t)
	way.Toxics.ResetToxics(t.Context())
	p.wantWhole(t)
}

// TestPermissionsTaken has a user who may not listen for a while.
func TestPermissionsTaken(t *testing.T) {
	server := redistest.Start(t)
	p := start(t, single(server.Addr()), single(server.Addr()))
	server.Do("ACL", "SETUSER", "default", "resetchannels") // Redis ends the connections that listen
	p.wantBroken(t, 0)
	p.wantGoing(t)
	server.Do("ACL", "SETUSER", "default", "allchannels")
	p.wantWhole(t)
}

// TestOutputBuffer has a node that is too slow for what it gets: Redis ends its
// connection.
func TestOutputBuffer(t *testing.T) {
	server := redistest.Start(t, "--client-output-buffer-limit", "pubsub 256kb 256kb 1")
	way := proxy(t, server)
	p := start(t, single(way.Listen), single(server.Addr()))
	toxic(t, way, `{"type":"bandwidth","attributes":{"rate":20}}`)
	p.size.Store(20_000)
	p.wantBroken(t, 0)
	p.wantGoing(t)
	p.size.Store(0)
	way.Toxics.ResetToxics(t.Context())
	p.wantWhole(t)
	if s := p.nodes[0].Stats(); s.Gaps == 0 || s.GapTime < 0 || s.LastGap > s.GapTime || s.GapTime > time.Hour {
		t.Errorf("gaps: %+v", s)
	}
}
