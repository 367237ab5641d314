package anynode

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/lastcall"
	"github.com/damso/damso/socketio"
)

// A command is what a test tells a node.
type command struct {
	Do    string // "nodes", "tick", "stop"
	Count int
}

// A report is what a node says: first its address, then the answers to commands.
type report struct {
	ID, Addr string
	Nodes    int // that it knows, with itself
}

// runNode is a node until its standard input ends.
func runNode(redisAddr string) int {
	mesh := redis.New(rueidis.ClientOption{InitAddress: []string{redisAddr}}, redis.Options{})
	srv := socketio.NewServer(socketio.Options{Adapter: mesh})
	serve(srv, mesh.Node())
	l, err := lastcall.Listen("127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	web := lastcall.NewServer(srv, &http.Server{Handler: srv}, l)
	go func() { _ = web.Serve() }()
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(report{ID: mesh.Node(), Addr: l.Addr().String()})
	ticks := 0
	for in := json.NewDecoder(os.Stdin); ; {
		var c command
		if in.Decode(&c) != nil {
			return 0
		}
		switch c.Do {
		case "tick":
			for range c.Count {
				ticks++
				_ = srv.Emit("tick", mesh.Node(), ticks)
				time.Sleep(5 * time.Millisecond) // a pace, not a wait
			}
		case "stop":
			if err := web.Stop(lastcall.Patience{PerSecond: 1000, Drain: patience, Clients: patience, Requests: patience}); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		r := report{ID: mesh.Node(), Nodes: len(mesh.Nodes())}
		if srv.Ready() != nil {
			r.Nodes = 0
		}
		_ = out.Encode(r)
	}
}

// serve gives a node what anynode.js expects.
func serve(srv *socketio.Server, name string) {
	var mu sync.Mutex
	heard := map[string]int{} // by socket
	main := srv.Of("/")
	main.OnConnect(func(_ context.Context, s *socketio.Socket) error { return s.Emit("who", name) })
	main.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) {
		mu.Lock()
		defer mu.Unlock()
		delete(heard, s.ID())
	})
	socketio.OnAck(main, "say", func(_ context.Context, s *socketio.Socket, n int) (int, error) {
		mu.Lock()
		heard[s.ID()]++
		want := heard[s.ID()]
		mu.Unlock()
		if n != want {
			_ = s.Emit("bad", n, want)
		}
		return n, s.Emit("said", n)
	})
}

// A node is a process of runNode.
type node struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	id  string
	at  string // its address
}

// startNode starts a node, which ends with the test.
func startNode(t *testing.T, redisAddr string) *node {
	t.Helper()
	n := &node{t: t, cmd: exec.Command(os.Args[0])}
	n.cmd.Env = append(os.Environ(), redisEnv+"="+redisAddr)
	n.cmd.Stderr = t.Output()
	in, err := n.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	n.in, n.out = in, json.NewDecoder(bufio.NewReader(out))
	r := n.hear()
	n.id, n.at = r.ID, r.Addr
	return n
}

func (n *node) hear() (r report) {
	n.t.Helper()
	if err := n.out.Decode(&r); err != nil {
		n.t.Fatalf("node: %v", err)
	}
	return r
}

// tell tells a node something, and returns what it says when that is done.
func (n *node) tell(c command) report {
	n.t.Helper()
	n.say(c)
	return n.hear()
}

func (n *node) say(c command) {
	n.t.Helper()
	if err := json.NewEncoder(n.in).Encode(c); err != nil {
		n.t.Fatalf("node: %v", err)
	}
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill() // may have ended
	_ = n.cmd.Wait()
}

// startNodes starts nodes that know each other.
func startNodes(t *testing.T, redisAddr string, count int) []*node {
	t.Helper()
	var nodes []*node
	for range count {
		nodes = append(nodes, startNode(t, redisAddr))
	}
	awaitNodes(t, nodes)
	return nodes
}

// awaitNodes waits until nodes know each other, and nobody else.
func awaitNodes(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		for end := time.Now().Add(patience); n.tell(command{Do: "nodes"}).Nodes != len(nodes); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the nodes do not find each other")
			}
		}
	}
}

// patience is how long a test waits for what must come.
const patience = time.Minute
