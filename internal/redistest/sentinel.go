package redistest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// MasterSet is what the sentinels of [StartSentinel] call their primary.
const MasterSet = "damso"

// A Sentinel is a primary with two replicas and three sentinels that watch them and
// agree, after a second without an answer, on another primary. Its methods are for the
// test's goroutine alone.
type Sentinel struct {
	Servers   []*Server // the first began as the primary
	Sentinels []*Server
}

// StartSentinel starts all of them, to end with the test, and returns when the
// sentinels know the replicas and each other.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	c := &Sentinel{}
	primary := Start(t)
	c.Servers = append(c.Servers, primary)
	for range 2 {
		c.Servers = append(c.Servers, Start(t, "--replicaof", primary.Host(), strconv.Itoa(primary.Port()), "--repl-diskless-sync-delay", "0"))
	}
	for _, replica := range c.Servers[1:] {
		replica.wait("in sync", func() error { return replica.info("replication", "master_link_status:up") })
	}
	for range 3 {
		c.Sentinels = append(c.Sentinels, startSentinel(t, primary))
	}
	for _, s := range c.Sentinels {
		s.wait("acquainted with the others", func() error { return s.acquainted(2, 2) })
	}
	return c
}

// startSentinel starts a sentinel. It writes to its file of settings.
func startSentinel(t testing.TB, primary *Server) *Server {
	return launch(t, func(s *Server) {
		s.conf = filepath.Join(s.dir, "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]d 2\n"+
			"sentinel down-after-milliseconds %[1]s 1000\n"+
			"sentinel failover-timeout %[1]s 2000\n"+
			"sentinel parallel-syncs %[1]s 2\n", MasterSet, primary.Host(), primary.Port())
		if err := os.WriteFile(s.conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.args = []string{"--sentinel"}
	})
}

// acquainted returns an error unless the sentinel knows so many replicas and others.
func (s *Server) acquainted(replicas, others int) error {
	for what, want := range map[string]int{"REPLICAS": replicas, "SENTINELS": others} {
		answer, err := s.try("SENTINEL", what, MasterSet)
		if err != nil {
			return err
		}
		if list, ok := answer.([]any); !ok || len(list) != want {
			return fmt.Errorf("%d %s are known, want %d", len(list), what, want)
		}
	}
	return nil
}

// Addrs returns the addresses of the sentinels.
func (c *Sentinel) Addrs() (addrs []string) {
	for _, s := range c.Sentinels {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Primary returns the server that the first sentinel takes for the primary.
func (c *Sentinel) Primary() *Server {
	first := c.Sentinels[0]
	first.t.Helper()
	answer, ok := first.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterSet).([]any)
	if ok && len(answer) == 2 {
		addr := net.JoinHostPort(fmt.Sprint(answer[0]), fmt.Sprint(answer[1]))
		for _, s := range c.Servers {
			if s.Addr() == addr {
				return s
			}
		}
	}
	first.t.Fatalf("redistest: the primary is %v", answer)
	return nil
}

// Failover lets the sentinels make another server the primary, with all alive, and
// returns when it is so. The one that was it learns of that some seconds later.
func (c *Sentinel) Failover() {
	was, first := c.Primary(), c.Sentinels[0]
	first.t.Helper()
	first.wait("failing over", func() error {
		_, err := first.try("SENTINEL", "FAILOVER", MasterSet)
		return err
	})
	c.AwaitPrimaryOtherThan(was)
}

// AwaitPrimaryOtherThan returns when a server other than s is the primary.
func (c *Sentinel) AwaitPrimaryOtherThan(s *Server) {
	c.Sentinels[0].t.Helper()
	c.Sentinels[0].wait("failed over", func() error {
		now := c.Primary()
		if now == s {
			return errors.New("it is the primary still")
		}
		return now.info("replication", "role:master")
	})
}
