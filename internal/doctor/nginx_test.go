package doctor

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/internal/testenv"
)

// nginxConf is nginx before backends: its own defaults, and what a test adds.
const nginxConf = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
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

// upgrades is what WebSocket needs of nginx.
const upgrades = `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; `

// nginx runs nginx before the backends until the test ends. What is no URL among
// them is a directive of the upstream.
func nginx(t *testing.T, settings string, backends ...string) string {
	t.Helper()
	path := testenv.Need(t, "nginx", "/usr/sbin/nginx")
	dir := t.TempDir()
	addr := strings.TrimPrefix(closedPort(t), "http://")
	var servers string
	for _, b := range backends {
		if host, ok := strings.CutPrefix(b, "http://"); ok {
			b = "server " + host
		}
		servers += b + "; "
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConf, dir, servers, addr, settings), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-p", dir, "-e", "stderr", "-c", file)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killer.Stop()
	})
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
