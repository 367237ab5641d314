package redistest

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/damso/damso/internal/servertest"
)

// Slots is how many slots a cluster has.
const Slots = 16384

// A Cluster is a Redis Cluster of three primaries, which share the slots evenly. Its
// methods are for the test's goroutine alone.
type Cluster struct {
	Servers []*Server
	ids     []string // of the servers
}

// StartCluster starts a cluster that ends with the test, and returns when each of its
// servers says that it is whole.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range 3 {
		s := launch(t, func(s *Server) {
			s.pick = clusterPort
			s.args = []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "2000"}
		})
		c.Servers = append(c.Servers, s)
		c.ids = append(c.ids, fmt.Sprint(s.Do("CLUSTER", "MYID")))
	}
	for i, s := range c.Servers {
		slots := []string{"CLUSTER", "ADDSLOTS"} // ADDSLOTSRANGE came with Redis 7
		for slot := i * Slots / 3; slot < (i+1)*Slots/3; slot++ {
			slots = append(slots, strconv.Itoa(slot))
		}
		s.Do(slots...)
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, s := range c.Servers[1:] {
		c.Servers[0].Do("CLUSTER", "MEET", s.Host(), strconv.Itoa(s.Port()))
	}
	for _, s := range c.Servers {
		s.wait("whole", s.whole)
	}
	return c
}

// busOffset is from the port of a server in a cluster to that on which it speaks to the
// others. Another one can be set from Redis 7 on.
const busOffset = 10_000

// clusterPort returns a port that is free, as is that of the bus.
func clusterPort(t testing.TB) int {
	for {
		port := servertest.FreePort(t)
		if port+busOffset >= 1<<16 {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+busOffset)))
		if err == nil {
			l.Close()
			return port
		}
	}
}

// whole returns an error unless the server takes part in a cluster with all slots.
func (s *Server) whole() error {
	text, err := s.try("CLUSTER", "INFO")
	if err != nil {
		return err
	}
	if !hasLines(fmt.Sprint(text), "cluster_state:ok", "cluster_known_nodes:3", "cluster_size:3") {
		return errors.New("CLUSTER INFO does not say so")
	}
	return nil
}

// Addrs returns the addresses of the servers.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range c.Servers {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}

// Slot returns the slot of a key or channel.
func (c *Cluster) Slot(key string) int {
	c.Servers[0].t.Helper()
	slot, _ := c.Servers[0].Do("CLUSTER", "KEYSLOT", key).(int64)
	return int(slot)
}

// Owner returns the index of the server that has the slot.
func (c *Cluster) Owner(slot int) int {
	c.Servers[0].t.Helper()
	for i, s := range c.Servers {
		for line := range strings.Lines(fmt.Sprint(s.Do("CLUSTER", "NODES"))) {
			if fields := strings.Fields(line); fields[0] == c.ids[i] && covers(fields[8:], slot) {
				return i
			}
		}
	}
	c.Servers[0].t.Fatalf("redistest: nobody has slot %d", slot)
	return 0
}

// covers reports whether the slot is among ranges as CLUSTER NODES writes them.
func covers(ranges []string, slot int) bool {
	for _, r := range ranges {
		from, to, isRange := strings.Cut(r, "-")
		if !isRange {
			to = from
		}
		low, err1 := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if err1 == nil && err2 == nil && low <= slot && slot <= high {
			return true
		}
	}
	return false
}

// MoveSlot moves a slot with its keys to the server with that index.
func (c *Cluster) MoveSlot(slot, to int) {
	c.Servers[0].t.Helper()
	if c.Owner(slot) == to {
		return
	}
	m := c.StartMove(slot, to)
	for m.Keys(1000) > 0 {
	}
	m.End()
}

// A Move is a slot on its way. Of its keys, each is at one of the servers.
type Move struct {
	c              *Cluster
	slot, from, to int
}

// StartMove begins to move a slot to the server with that index, another than its owner.
func (c *Cluster) StartMove(slot, to int) *Move {
	c.Servers[0].t.Helper()
	m := &Move{c, slot, c.Owner(slot), to}
	c.Servers[to].Do("CLUSTER", "SETSLOT", strconv.Itoa(slot), "IMPORTING", c.ids[m.from])
	c.Servers[m.from].Do("CLUSTER", "SETSLOT", strconv.Itoa(slot), "MIGRATING", c.ids[to])
	return m
}

// Keys moves keys, at most n, and returns how many there were to move.
func (m *Move) Keys(n int) int {
	from, to := m.c.Servers[m.from], m.c.Servers[m.to]
	from.t.Helper()
	keys, _ := from.Do("CLUSTER", "GETKEYSINSLOT", strconv.Itoa(m.slot), strconv.Itoa(n)).([]any)
	if len(keys) > 0 {
		args := []string{"MIGRATE", to.Host(), strconv.Itoa(to.Port()), "", "0", strconv.FormatInt(patience.Milliseconds(), 10), "KEYS"}
		for _, key := range keys {
			args = append(args, fmt.Sprint(key))
		}
		from.Do(args...)
	}
	return len(keys)
}

// End makes the other server the owner of the slot, when it has all keys.
func (m *Move) End() {
	m.c.Servers[0].t.Helper()
	for _, i := range []int{m.to, m.from, 3 - m.from - m.to} {
		m.c.Servers[i].Do("CLUSTER", "SETSLOT", strconv.Itoa(m.slot), "NODE", m.c.ids[m.to])
	}
}
