package faults

import (
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/internal/redistest"
)

func single(addr string) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{addr}}
}

// killed kills a server and starts it again, n times.
func killed(t *testing.T, n int, forgets bool, args ...string) *pairs {
	t.Helper()
	server := redistest.Start(t, args...)
	p := start(t, single(server.Addr()), single(server.Addr()))
	p.forgets = forgets
	p.cycles(t, n, func() {
		server.Kill()
		p.wantBroken(t, 0)
		p.wantBroken(t, 1)
		p.wantGoing(t)
		server.Restart()
	})
	return p
}

func TestKilled(t *testing.T) {
	killed(t, 3, false, "--appendonly", "yes", "--appendfsync", "no")
}

// TestKilledForgets has a Redis that keeps nothing when it ends. That entries are lost
// with it which were not read is noticed.
func TestKilledForgets(t *testing.T) {
	p := killed(t, 2, true)
	p.silence(t)
	for _, pair := range p.all {
		for i, node := range pair.nodes {
			if pair.keeps && pair.lost(i) > 0 && node.Stats().Trimmed == 0 {
				t.Errorf("%s: node %d lacks %d events: %+v", pair.mode, i, pair.lost(i), node.Stats())
			}
		}
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

// TestPausedShortly: what is published while Redis hangs is sent when it goes on, unless
// the connection has been given up.
func TestPausedShortly(t *testing.T) {
	server := redistest.Start(t)
	p := start(t, single(server.Addr()), single(server.Addr()))
	p.cycles(t, 3, func() {
		server.Pause()
		p.wantGoing(t)
		server.Resume()
	})
	p.wantAll(t)
}

// sentinel starts nodes on servers that sentinels watch.
func sentinel(t *testing.T) (*redistest.Sentinel, *pairs) {
	c := redistest.StartSentinel(t)
	option := rueidis.ClientOption{InitAddress: c.Addrs()}
	option.Sentinel.MasterSet = redistest.MasterSet
	p := start(t, option, option)
	p.forgets = true // replicas do not have all
	return c, p
}

// TestSentinelFailsOver has the old primary live on; for some seconds it takes itself for
// the primary. The nodes must leave it all the same.
func TestSentinelFailsOver(t *testing.T) {
	c, p := sentinel(t)
	c.Failover()
	p.wantGoing(t)
	p.wantAnew(t)
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
	p.slack = clusterSlack
	for _, name := range []string{"#/#", "#/#" + room + "#", "-request#/#", ""} {
		for mode := range modes {
			slot := c.Slot(mode + name)
			c.MoveSlot(slot, (c.Owner(slot)+1)%3)
		}
		p.wantWhole(t)
	}
	p.wantAll(t)
}

func TestClusterServerDies(t *testing.T) {
	c := redistest.StartCluster(t)
	p := start(t, rueidis.ClientOption{InitAddress: c.Addrs()}, rueidis.ClientOption{InitAddress: c.Addrs()})
	p.forgets, p.slack = true, clusterSlack
	p.cycles(t, len(c.Servers)+1, func() {
		server := c.Servers[0]
		c.Servers = append(c.Servers[1:], server)
		server.Kill()
		p.wantGoing(t)
		server.Restart()
	})
}

func TestConnectionsCut(t *testing.T) {
	server := redistest.Start(t)
	way := newWay(t, server)
	p := start(t, single(way.addr), single(server.Addr()))
	p.cycles(t, 4, func() {
		way.cut()
		p.wantBroken(t, 0)
		p.wantGoing(t)
		way.mend()
	})
	p.wantLoss(t)
}

func TestConnectionsSlow(t *testing.T) {
	server := redistest.Start(t)
	way := newWay(t, server)
	p := start(t, single(way.addr), single(server.Addr()))
	way.spoil(`{"type":"latency","attributes":{"latency":200,"jitter":150}}`)
	p.wantGoing(t)
	p.wantWhole(t)
	p.wantAll(t)
}

// TestDeaf has a connection that stays and delivers nothing.
func TestDeaf(t *testing.T) {
	server := redistest.Start(t)
	way := newWay(t, server)
	p := start(t, single(way.addr), single(server.Addr()))
	way.spoil(`{"type":"timeout","attributes":{"timeout":0}}`)
	p.wantBroken(t, 0)
	p.wantGoing(t)
	way.mend()
	p.wantWhole(t)
	p.wantLoss(t)
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

// TestOutputBuffer has nodes that are too slow for what they get: Redis ends their
// connections, or they read when they can.
func TestOutputBuffer(t *testing.T) {
	server, way := redistest.Start(t, "--client-output-buffer-limit", "pubsub 256kb 256kb 1"), &narrow{}
	p := start(t, way.client(server.Addr()), single(server.Addr()))
	way.on.Store(true)
	p.pad(1, 20_000)
	server.AwaitLog("output buffer limits", len(modes)-1)
	for _, pair := range p.all {
		if !pair.keeps {
			adaptertest.WaitNotReady(t, pair.nodes[0])
		}
	}
	p.wantGoing(t)
	p.pad(1, 0)
	way.on.Store(false)
	p.wantWhole(t)
	p.wantLoss(t)
}
