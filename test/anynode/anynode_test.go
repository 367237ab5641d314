package anynode

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
)

var (
	generations = []string{"1.4.5", "1.7.4", "2.5.0", "3.1.3", "4.8"}
	transports  = []string{"polling", "websocket", "upgrade"}
)

// perCase is how many clients of each generation and transport there are; the environment
// may ask for more.
func perCase(t *testing.T) int {
	if text := os.Getenv("DAMSO_ANYNODE_CLIENTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 4
}

// A client is how one client of anynode.js fared.
type client struct {
	Node        string // that its socket was on at first
	Connects    int
	Disconnects []string
	Errors      []string
	Faults      []string
	Said        int
	Complete    bool
	Upgraded    bool
}

// A crowd are the clients of one generation over one transport.
type crowd struct {
	name, transport string
	*testkit.Process
	clients []client // after the end
}

// gather starts clients of all generations over all transports and returns when all
// are connected.
func gather(t *testing.T, url string, count int) (crowds []*crowd) {
	t.Helper()
	for _, generation := range generations {
		for _, transport := range transports {
			p := testkit.Node(t, testkit.Script{Path: "../interop/anynode.js", Args: []string{generation, transport, url, strconv.Itoa(count)}})
			crowds = append(crowds, &crowd{name: generation + "/" + transport, transport: transport, Process: p})
		}
	}
	for _, c := range crowds {
		var r struct{ Connected int }
		if c.Expect(&r); r.Connected != count {
			t.Errorf("%s: %d of %d clients are connected", c.name, r.Connected, count)
		}
	}
	return crowds
}

// end lets all clients finish and reports how they fared.
func end(t *testing.T, crowds []*crowd, ticks int, gone ...string) {
	t.Helper()
	for _, c := range crowds {
		c.Send(map[string]any{"ticks": ticks, "gone": gone})
	}
	for _, c := range crowds {
		var r struct{ Clients []client }
		c.Expect(&r)
		c.clients = r.Clients
		if err := c.Wait(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// each calls f with every client.
func each(crowds []*crowd, f func(name, transport string, c client)) {
	for _, crowd := range crowds {
		for i, c := range crowd.clients {
			f(fmt.Sprintf("%s, client %d", crowd.name, i), crowd.transport, c)
		}
	}
}

const ticks = 200

// TestRoundRobin has every generation of clients over every transport talk through nginx
// with plain round robin: each connects at the first try and stays, and nothing is lost,
// doubled or out of order in either direction.
func TestRoundRobin(t *testing.T) {
	nodes := startNodes(t, redistest.Start(t).Addr(), 3)
	crowds := gather(t, startNginx(t, nodes), perCase(t))
	tick(nodes)
	end(t, crowds, ticks)
	at := map[string]int{}
	each(crowds, func(name, _ string, c client) {
		at[c.Node]++
		if len(c.Faults) > 0 || len(c.Errors) > 0 || len(c.Disconnects) > 0 || c.Connects != 1 || !c.Complete || !c.Upgraded {
			t.Errorf("%s: %+v", name, c)
		}
	})
	t.Logf("clients by node: %v", at)
}

// tick has each node send ticks to all clients, at a time.
func tick(nodes []*node) {
	for _, n := range nodes {
		n.say(command{Do: "tick", Count: ticks})
	}
	for _, n := range nodes {
		n.hear()
	}
}

// moved waits until all clients are connected, those that were at a node of that name again.
func moved(t *testing.T, crowds []*crowd, from string) {
	t.Helper()
	for _, c := range crowds {
		c.Send(map[string]any{"moved": from})
	}
	for _, c := range crowds {
		var r struct{ Connected int }
		if c.Expect(&r); r.Connected != perCase(t) {
			t.Errorf("%s: %d clients are connected again", c.name, r.Connected)
		}
	}
}

// TestStop stops a node in good order, as a deployment does: as TestKill, but that those
// who poll never notice.
func TestStop(t *testing.T) {
	nodes := startNodes(t, redistest.Start(t).Addr(), 3)
	crowds := gather(t, startNginx(t, nodes), perCase(t))
	tick(nodes)
	gone := nodes[0].id
	nodes[0].tell(command{Do: "stop"})
	nodes = nodes[1:]
	moved(t, crowds, gone)
	tick(nodes)
	end(t, crowds, 2*ticks, gone)
	each(crowds, func(name, transport string, c client) {
		if len(c.Faults) > 0 || !c.Complete || c.Node == gone && c.Connects < 2 || c.Node != gone && c.Connects > 1 && transport != "upgrade" {
			t.Errorf("%s: %+v", name, c)
		}
	})
}

// TestRedisAway starts Redis anew under traffic. Whatever was under way between nodes is
// lost, and with it its clients' sessions; nobody misses anything while connected.
func TestRedisAway(t *testing.T) {
	broker := redistest.Start(t)
	nodes := startNodes(t, broker.Addr(), 3)
	crowds := gather(t, startNginx(t, nodes), perCase(t))
	broker.Restart()
	awaitNodes(t, nodes)
	moved(t, crowds, "")
	end(t, crowds, 0)
	connects := 0
	each(crowds, func(name, transport string, c client) {
		connects += c.Connects
		if len(c.Faults) > 0 || !c.Complete || transport == "websocket" && c.Connects > 1 {
			t.Errorf("%s: %+v", name, c)
		}
	})
	t.Logf("connected %d times in all", connects)
}

// TestKill kills a node. Its clients, and those that were reached through it at the moment,
// connect again; the others notice nothing. Nobody misses anything while connected.
func TestKill(t *testing.T) {
	nodes := startNodes(t, redistest.Start(t).Addr(), 3)
	crowds := gather(t, startNginx(t, nodes), perCase(t))
	tick(nodes)
	dead := nodes[0].id
	nodes[0].kill()
	nodes = nodes[1:]
	moved(t, crowds, dead)
	tick(nodes)
	end(t, crowds, 2*ticks, dead)
	again := map[string]int{}
	each(crowds, func(name, transport string, c client) {
		if len(c.Faults) > 0 || !c.Complete {
			t.Errorf("%s: %+v", name, c)
		}
		switch {
		case c.Node == dead && c.Connects < 2:
			t.Errorf("%s was at the dead node and did not connect again: %+v", name, c)
		case c.Node != dead && c.Connects > 1:
			again[transport]++
			t.Logf("%s: %+v", name, c)
			if transport == "websocket" {
				t.Errorf("%s was at another node and connected again: %+v", name, c)
			}
		}
	})
	t.Logf("connected again though at another node: %v", again)
}
