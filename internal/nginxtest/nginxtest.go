// Package nginxtest runs nginx before servers, for tests.
package nginxtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/internal/servertest"
	"github.com/damso/damso/internal/testenv"
)

// conf is nginx before backends: its own defaults, and what a test adds.
const conf = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    map $http_upgrade $connection_header { default upgrade; '' close; }
    upstream nodes { %[2]s }
    server {
        listen %[3]s;
        location / {
            proxy_pass http://nodes;
            proxy_set_header Host $http_host;
            %[4]s
        }
    }
}
`

// Upgrades is what WebSocket needs of nginx: settings for [Start].
const Upgrades = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_header; "

// patience is how long nginx may take to start or to stop.
const patience = 10 * time.Second

// Start runs nginx before the backends until the test ends, and returns its URL. settings
// are for the location. What is no URL among the backends is a directive of the upstream.
// Without nginx the test is skipped or fails, as package testenv has it.
func Start(t testing.TB, settings string, backends ...string) string {
	t.Helper()
	path := testenv.Need(t, "nginx", "/usr/sbin/nginx")
	dir := t.TempDir()
	addr := net.JoinHostPort(servertest.Host, strconv.Itoa(servertest.FreePort(t))) // nobody else is told of it
	var servers strings.Builder
	for _, b := range backends {
		if host, ok := strings.CutPrefix(b, "http://"); ok {
			b = "server " + host
		}
		servers.WriteString(b + "; ")
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, conf, dir, servers.String(), addr, settings), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-p", dir, "-e", "stderr", "-c", file)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killer.Stop()
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginxtest: nginx does not listen: %v", err)
		}
	}
}
