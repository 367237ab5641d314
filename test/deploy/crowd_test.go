package deploy

import (
	"strconv"
	"strings"
	"testing"

	"github.com/damso/damso/internal/testkit"
)

// versions of the JavaScript client, one of each generation.
var versions = []string{"1.4.5", "2.5.0", "3.1.3", "4.8"}

// A kind is a version of the client and the transports it may use.
func kinds(transports ...string) (kinds []string) {
	for _, v := range versions {
		for _, t := range transports {
			kinds = append(kinds, v+"/"+t)
		}
	}
	return kinds
}

// A crowd are clients that talk all the time, see test/interop/crowd.js. Its processes
// hear each other.
type crowd struct {
	t     testing.TB
	procs []*testkit.Process
}

// A member is what a client of the crowd says of itself in the end.
type member struct {
	Name, Kind, Failure, Reason                          string
	Connects, Failures, Lost, Recovered, Answered, Heard int
	Nodes                                                []string // that have served it, in turn
}

// A series is what a speaker has said to all: the numbers up to the last. Some may be lost
// if its connection broke meanwhile.
type series struct {
	Name   string `json:"name"`
	Last   int    `json:"last"`
	Broken bool   `json:"broken"`
}

// gather connects so many clients of each kind, those of some kinds in a process.
func gather(t testing.TB, url string, each int, perProcess int, patience int, kinds []string) *crowd {
	t.Helper()
	c := &crowd{t: t}
	for len(kinds) > 0 {
		n := min(perProcess, len(kinds))
		c.procs = append(c.procs, testkit.Node(t, testkit.Script{
			Path: "../interop/crowd.js", Args: append([]string{url, strconv.Itoa(each)}, kinds[:n]...),
			Env: []string{"DAMSO_PATIENCE=" + strconv.Itoa(patience)},
		}))
		kinds = kinds[n:]
	}
	c.connect()
	return c
}

// connect lets all connect, some at a time: each is announced to all.
func (c *crowd) connect() {
	c.t.Helper()
	for left := 1; left > 0; {
		left = 0
		c.do(map[string]int{"connect": 100}, func(a answer) { left = max(left, a.Left) })
	}
}

// do gives all processes a command, waits for their answers and hands on each.
func (c *crowd) do(command any, each func(answer)) {
	c.t.Helper()
	for _, p := range c.procs {
		p.Send(command)
	}
	for _, p := range c.procs {
		var a answer
		p.Expect(&a)
		if each != nil {
			each(a)
		}
	}
}

type answer struct {
	Connected int
	Left      int // that have not connected so far
	Clients   []member
	Series    []series
	Faults    []string
}

// talk lets each client speak once in so many milliseconds.
func (c *crowd) talk(ms int) { c.t.Helper(); c.do(map[string]int{"talk": ms}, nil) }

// rounds waits until each has spoken so often, and been answered.
func (c *crowd) rounds(n int) { c.t.Helper(); c.do(map[string]int{"rounds": n}, nil) }

// back waits until all are connected.
func (c *crowd) back() { c.t.Helper(); c.do("back", nil) }

// report ends the conversation. What was lost, doubled or out of order fails the test.
func (c *crowd) report() (clients []member) {
	c.t.Helper()
	said := []series{}
	c.do("report", func(a answer) { said = append(said, a.Series...) })
	faults := map[string]bool{}
	c.do(map[string]any{"heard": said}, func(a answer) {
		clients = append(clients, a.Clients...)
		for _, f := range a.Faults {
			faults[f] = true
		}
	})
	for f := range faults {
		c.t.Error(f)
	}
	return clients
}

func (m member) transport() string { return m.Kind[strings.Index(m.Kind, "/")+1:] }
