//go:build soak

package deploy

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSoak is the long form of the other tests, for `make soak`: for each load balancer, many
// clients of each kind talk for a while; then a node is killed, and all are restarted.
// It logs what it does, and prints a table of each part's clients in the end.
//
// In the second table nobody has failures: an attempt to connect that came to nothing. What is
// lost can be reckoned. Of n clients with WebSockets a third is on the node that is killed, and goes to
// the other two; the restarts then find a half, a quarter and seven eighths of n on the nodes in turn: 1.96 n. Those
// who poll lose 2/9 n more in the kill, those whose requests it was about to answer for another node, and nothing more
// in the restarts. Those who upgrade lose their WebSockets with whatever node these pass through: as much in the
// kill, and in each restart a third or so of those on other nodes. With 4.8, as many are recovered.
//
// DAMSO_SOAK_CLIENTS (200) are of each kind, DAMSO_SOAK_SECONDS (120) is how long they talk.
func TestSoak(t *testing.T) {
	clients, seconds := number(t, "DAMSO_SOAK_CLIENTS", 200), number(t, "DAMSO_SOAK_SECONDS", 120)
	for _, b := range balancers {
		t.Run(b.file, func(t *testing.T) { soak(t, b, clients, seconds) })
	}
}

func number(t *testing.T, name string, zero int) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(zero)))
	if err != nil || n < 1 {
		t.Fatalf("%s: %q is not a number above 0", name, os.Getenv(name))
	}
	return n
}

// say shows progress at once, and how busy the machine is: where the load is many times the
// number of cores, clients may miss their pings.
func say(t *testing.T, start time.Time, format string, args ...any) {
	text, _ := os.ReadFile("/proc/loadavg") // elsewhere than on Linux it stays empty
	load, _, _ := strings.Cut(string(text), " ")
	fmt.Printf("%s  %4.0f s  load %5s  %s\n", t.Name(), time.Since(start).Seconds(), load, fmt.Sprintf(format, args...))
}

func soak(t *testing.T, b balancer, clients, seconds int) {
	start := time.Now()
	nodes := startNodes(t)
	url := b.start(t, portsOf(nodes))
	c := gather(t, url, clients, 6, 100, kinds("polling", "websocket", "upgrade"))
	say(t, start, "%d clients of each of 12 kinds are connected", clients)
	// The same for any number of clients above 40: 480 questions a second, each for an answer, and 960 times
	// that somebody hears what is said to all. A machine with two cores has room for that.
	pace := max(1000, 25*clients)
	c.talk(pace)
	for left := seconds; left > 0; left -= 20 {
		time.Sleep(time.Duration(min(left, 20)) * time.Second)
		say(t, start, "talking")
	}
	calm := c.report()
	for _, m := range calm {
		if m.Connects != 1 || m.Failures > 0 || m.Lost > 0 {
			t.Errorf("not connected once and for all: %+v", m)
		}
	}
	table(t, "calm", calm)

	c.talk(pace)
	say(t, start, "killing %s", nodes[1].name)
	nodes[1].end(syscall.SIGKILL)
	c.rounds(2)
	nodes[1].start(t)
	nodes[1].awaitReady()
	for _, n := range nodes {
		say(t, start, "restarting %s", n.name)
		if err := n.end(syscall.SIGTERM); err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
		n.start(t)
		n.awaitReady()
		c.rounds(1)
	}
	table(t, "after a kill and a rolling restart", c.report())
	c.end() // before their nodes are gone
	say(t, start, "over")
}

// table prints what the clients of each kind have seen.
func table(t *testing.T, title string, clients []member) {
	type row struct{ clients, connects, failures, lost, recovered, answered, heard int }
	rows := map[string]*row{}
	for _, m := range clients {
		r := rows[m.Kind]
		if r == nil {
			r = &row{}
			rows[m.Kind] = r
		}
		r.clients, r.connects, r.failures, r.lost = r.clients+1, r.connects+m.Connects, r.failures+m.Failures, r.lost+m.Lost
		r.recovered, r.answered, r.heard = r.recovered+m.Recovered, r.answered+m.Answered, r.heard+m.Heard
	}
	fmt.Printf("\n%s: %s\n%-18s %8s %9s %9s %6s %10s %9s %9s\n", t.Name(), title,
		"kind", "clients", "connects", "failures", "lost", "recovered", "answered", "heard")
	var names []string
	for name := range rows {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r := rows[name]
		fmt.Printf("%-18s %8d %9d %9d %6d %10d %9d %9d\n", name, r.clients, r.connects, r.failures, r.lost, r.recovered, r.answered, r.heard)
	}
	fmt.Println()
}

// end ends the clients, which else go on trying to come back.
func (c *crowd) end() {
	for _, p := range c.procs {
		p.Kill()
	}
}
