package deploy

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestBalancers: behind every load balancer, clients of every generation connect at the
// first attempt, over any transport, and nothing is lost, doubled or out of order.
func TestBalancers(t *testing.T) {
	nodes := startNodes(t)
	for _, b := range balancers {
		t.Run(b.file, func(t *testing.T) { converse(t, b.start(t, portsOf(nodes))) })
	}
	t.Run("HAProxy in front of nginx", func(t *testing.T) {
		u, err := url.Parse(balancers[0].start(t, portsOf(nodes)))
		if err != nil {
			t.Fatal(err)
		}
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			t.Fatal(err)
		}
		converse(t, balancers[2].start(t, []int{port, port, port}))
	})
}

// converse lets a crowd talk through a balancer.
func converse(t *testing.T, url string) {
	c := gather(t, url, 6, 3, 30, kinds("polling", "websocket", "upgrade"))
	c.talk(400)
	c.rounds(5)
	served := map[string]int{}
	for _, m := range c.report() {
		if m.Connects != 1 || m.Failures > 0 || m.Lost > 0 {
			t.Errorf("not connected once and for all: %+v", m)
		}
		served[m.Nodes[0]]++
	}
	if len(served) != 3 {
		t.Errorf("clients by node: %v", served)
	}
}

// TestKill ends a node with SIGKILL while all talk. Clients that have nothing to do with it
// notice nothing, and all come back.
func TestKill(t *testing.T) {
	nodes := startNodes(t)
	c := gather(t, balancers[0].start(t, portsOf(nodes)), 6, 3, 30, kinds("polling", "websocket", "upgrade"))
	c.talk(400)
	c.rounds(3)
	nodes[1].end(syscall.SIGKILL)
	c.back()
	c.rounds(3)
	for _, m := range c.report() {
		own := m.Nodes[0] == nodes[1].name
		if own && m.Lost == 0 || !own && m.Lost > 0 && m.transport() == "websocket" {
			t.Errorf("%+v", m)
		}
		if len(m.Nodes) > 1 && slices.Contains(m.Nodes[1:], nodes[1].name) {
			t.Errorf("came back to a dead node: %+v", m)
		}
	}
}

// TestRollingRestart restarts all nodes, one after the other, while all talk. Every client
// comes back, and hears nothing out of order; those of 4.8 recover their connection and
// hear everything.
func TestRollingRestart(t *testing.T) {
	nodes := startNodes(t)
	c := gather(t, balancers[2].start(t, portsOf(nodes)), 6, 3, 30, kinds("polling", "websocket", "upgrade"))
	c.talk(400)
	for _, n := range nodes {
		c.rounds(2)
		if err := n.end(syscall.SIGTERM); err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
		n.start(t)
		n.awaitReady()
		c.back()
	}
	c.rounds(2)
	for _, m := range c.report() {
		if m.Connects < 2 {
			t.Errorf("was not thrown off: %+v", m)
		}
		if strings.HasPrefix(m.Kind, "4.8/") && m.Recovered != m.Connects-1 {
			t.Errorf("not recovered each time: %+v", m)
		}
	}
}
