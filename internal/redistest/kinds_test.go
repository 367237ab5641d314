package redistest

import (
	"fmt"
	"testing"
)

func TestTLS(t *testing.T) {
	s := StartTLS(t)
	if got := s.Do("PING"); got != "PONG" {
		t.Errorf("PING: %v", got)
	}
	s.Restart()
	if got := s.Do("PING"); got != "PONG" {
		t.Errorf("PING after a restart: %v", got)
	}
}

func TestArguments(t *testing.T) {
	s := Start(t, "--maxclients", "77")
	if got := fmt.Sprint(s.Do("CONFIG", "GET", "maxclients")); got != "[maxclients 77]" {
		t.Errorf("maxclients: %v", got)
	}
}

func TestSentinel(t *testing.T) {
	c := StartSentinel(t)
	first := c.Primary()
	if first != c.Servers[0] {
		t.Errorf("the primary is %s", first.Addr())
	}
	c.Failover()
	second := c.Primary()
	if second == first {
		t.Fatal("it has not failed over")
	}
	second.Kill()
	c.AwaitPrimaryOtherThan(second)
}

func TestCluster(t *testing.T) {
	c := StartCluster(t)
	slot := c.Slot("foo")
	if slot != 12182 {
		t.Errorf("slot %d, want 12182", slot)
	}
	if owner := c.Owner(slot); owner != 2 {
		t.Errorf("owner %d, want 2", owner)
	}
	c.Servers[2].Do("SET", "foo", "bar")
	c.Servers[2].Do("SET", "foo", "bar")
	for _, to := range []int{0, 1, 1} {
		c.MoveSlot(slot, to)
		if owner := c.Owner(slot); owner != to {
			t.Errorf("owner %d, want %d", owner, to)
		}
	}
	if got := c.Servers[1].Do("GET", "foo"); got != "bar" {
		t.Errorf("the key that was in the slot: %v", got)
	}
}
