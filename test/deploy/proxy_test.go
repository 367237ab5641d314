package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/damso/damso/internal/testenv"
)

// A balancer is one of the configurations in deploy/.
type balancer struct {
	file    string         // in deploy/
	program string         // that takes it
	args    []string       // of the program, with FILE for the file
	stop    syscall.Signal // that ends it at once
}

var (
	nginx   = []string{"-e", "stderr", "-g", "daemon off;", "-c", "FILE"}
	haproxy = []string{"-db", "-f", "FILE"}
	caddy   = []string{"run", "--adapter", "caddyfile", "--config", "FILE"}
)

var balancers = []balancer{
	{"nginx/nginx.conf", "nginx", nginx, syscall.SIGTERM},
	{"nginx/least-connections.conf", "nginx", nginx, syscall.SIGTERM},
	{"haproxy/haproxy.cfg", "haproxy", haproxy, syscall.SIGTERM},
	{"caddy/Caddyfile", "caddy", caddy, syscall.SIGKILL},
}

// migrations are for clusters with servers in Node.js.
var migrations = []balancer{
	{"nginx/migration.conf", "nginx", nginx, syscall.SIGTERM},
	{"haproxy/migration.cfg", "haproxy", haproxy, syscall.SIGTERM},
}

// start starts the balancer in front of servers, on a free port, and returns its URL.
// The file is used as it is, but for addresses.
func (b balancer) start(t testing.TB, ports []int) string {
	t.Helper()
	program := testenv.Need(t, b.program, "/usr/sbin/"+b.program) // which not everybody has in PATH
	text, err := os.ReadFile(filepath.Join("../../deploy", b.file))
	if err != nil {
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePort(t)
	file := filepath.Join(dir, filepath.Base(b.file))
	if err := os.WriteFile(file, []byte(b.adapt(string(text), dir, port, ports)), 0o600); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, arg := range b.args {
		args = append(args, strings.ReplaceAll(arg, "FILE", file))
	}
	p := launch(t, []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, program, args...)
	p.stop = b.stop
	p.await(b.file, func() error { return answers("http://" + local(port) + "/socket.io/socket.io.js") })
	return "http://" + local(port)
}

// adapt puts other addresses and folders into a configuration.
func (b balancer) adapt(text, dir string, port int, ports []int) string {
	pairs := []string{
		"listen 8080", "listen " + local(port), // nginx
		"bind :8080", "bind " + local(port), // HAProxy
		":8080 {", "http://" + local(port) + " {\n\tbind 127.0.0.1", // Caddy
		"/tmp/nginx.pid", filepath.Join(dir, "nginx.pid"),
	}
	for i, p := range ports {
		pairs = append(pairs, []string{"node-1:3000", "node-2:3000", "node-3:3000"}[i], local(p))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func portsOf(nodes []*node) (ports []int) {
	for _, n := range nodes {
		ports = append(ports, n.port)
	}
	return ports
}
