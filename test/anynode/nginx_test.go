package anynode

import (
	"testing"

	"github.com/damso/damso/internal/nginxtest"
)

// startNginx starts nginx in front of nodes, with plain round robin, and returns its
// address. It keeps no connection alive: each request of a client comes to another node.
func startNginx(t *testing.T, nodes []*node) string {
	t.Helper()
	backends := make([]string, len(nodes))
	for i, n := range nodes {
		backends[i] = "http://" + n.at
	}
	return nginxtest.Start(t, nginxtest.Upgrades+"client_max_body_size 2m; keepalive_timeout 0;", backends...)
}
