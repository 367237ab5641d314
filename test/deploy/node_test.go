package deploy

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/damso/damso/internal/redistest"
)

// A node is one damso of a cluster.
type node struct {
	*process
	name string
	port int
	env  []string
}

// startNodes starts three nodes over one Redis, and returns when they are ready.
func startNodes(t testing.TB) []*node {
	t.Helper()
	return startNodesOn(t, redistest.Start(t), 3)
}

func startNodesOn(t testing.TB, r *redistest.Server, count int) (nodes []*node) {
	t.Helper()
	for i := range count {
		n := &node{name: "node-" + strconv.Itoa(i+1), port: freePort(t)}
		n.env = []string{
			"NODE_ID=" + n.name, "NODE_PORT=" + strconv.Itoa(n.port), "LOG_LEVEL=warn",
			"REDIS_HOST=" + r.Host(), "REDIS_PORT=" + strconv.Itoa(r.Port()),
		}
		n.start(t)
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.awaitReady()
	}
	return nodes
}

// start starts the node, again if it has ended.
func (n *node) start(t testing.TB) { n.run(t, "serve") }

func (n *node) run(t testing.TB, args ...string) { n.process = launch(t, n.env, damso, args...) }

func (n *node) awaitReady() {
	n.t.Helper()
	n.await(n.name+" is ready", func() error { return answers("http://" + local(n.port) + "/readyz") })
}

// once asks on connections of their own.
var once = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// answers returns an error unless a GET of the URL has status 200.
func answers(url string) error {
	resp, err := once.Get(url)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}
