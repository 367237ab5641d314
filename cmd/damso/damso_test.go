package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
)

// TestCommandLine has commands that end by themselves.
func TestCommandLine(t *testing.T) {
	tests := []struct {
		args    string
		environ []string
		status  int
		out     string   // what stdout begins with
		err     []string // what the lines of stderr begin with
	}{
		{args: "version", out: "damso "},
		{args: "--help", out: "Usage: damso <command>"},
		{args: "", out: "Usage: damso <command>"},
		{args: "serve --help", out: "Usage: damso serve"},
		{args: "nonsense", status: 2, err: []string{"damso: unexpected argument nonsense"}},
		{args: "serve nonsense", status: 2, err: []string{"damso: unexpected argument nonsense"}},
		{args: "serve --port=1", status: 2, err: []string{"damso: unknown flag --port"}},
		{
			args: "serve", environ: []string{"NODE_PORT=http", "REDIS_PORT=0", "REDIS_PASSWORD=hunter2"}, status: 2,
			err: []string{"damso: the settings have faults:", `  NODE_PORT: "http" is not a port number`, "  REDIS_PORT: ", "  REDIS_HOST: is missing"},
		},
		{args: "dev", environ: []string{"STATIC_DIR=/no/such/folder"}, status: 2, err: []string{"damso: the settings have faults:", "  STATIC_DIR: there is no folder"}},
		{args: "dev", environ: []string{"NODE_PORT=65535"}, status: 2, err: []string{"damso: the settings have faults:", "  NODE_PORT: 65535 leaves no port"}},
		{args: "version", environ: []string{"NODE_PORT=http"}, out: "damso "},
		{args: "drain", status: 1, err: []string{"damso: this needs ADMIN_PORT"}},
		{args: "rebalance", status: 1, err: []string{"damso: this needs ADMIN_PORT"}},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			p := start(t, test.args, test.environ...)
			if status := p.wait(); status != test.status {
				t.Errorf("exit status %d, want %d", status, test.status)
			}
			if !strings.HasPrefix(p.out.String(), test.out) || test.out == "" && p.out.String() != "" {
				t.Errorf("stdout is %q, want %q", p.out, test.out)
			}
			lines := strings.Split(strings.TrimSuffix(p.err.String(), "\n"), "\n")
			if len(test.err) == 0 {
				test.err = []string{""}
			}
			if len(lines) != len(test.err) {
				t.Fatalf("stderr is %q", p.err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, test.err[i]) || test.err[i] == "" && line != "" {
					t.Errorf("stderr says %q, want %q", line, test.err[i])
				}
			}
			if strings.Contains(p.err.String(), "hunter2") {
				t.Error("the password is told")
			}
		})
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for _, test := range []struct {
		args string
		port int
	}{{"serve", port}, {"dev", port}, {"dev", port - 1}} { // the last: that of the second node
		t.Run(fmt.Sprint(test.args, " ", port-test.port), func(t *testing.T) {
			p := start(t, test.args, fmt.Sprint("NODE_PORT=", test.port))
			if status := p.wait(); status != 1 {
				t.Errorf("exit status %d", status)
			}
			lines := strings.Split(p.err.String(), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "damso: port ") ||
				!strings.Contains(lines[0], " is taken: stop what listens there, or choose another with NODE_PORT=") {
				t.Errorf("stderr is %q", p.err)
			}
		})
	}
}

func TestServeAlone(t *testing.T) {
	p := start(t, "serve", "NODE_PORT=0", "NODE_ID=my-node")
	addr := p.addrs(1)[0]
	p.says(p.out, `alone +set REDIS_HOST to join other nodes`)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/":                                  {200, "<!doctype html>"},
		"/healthz":                           {200, "ok\n"},
		"/readyz":                            {200, "ready\n"},
		"/nothing":                           {404, ""},
		"/socket.io/?EIO=4&transport=pigeon": {400, `{"code":0,"message":"Transport unknown"}`},
		"/socket.io/nothing.js":              {400, `{"code":0,"message":"Transport unknown"}`},
	} {
		resp, body := fetch(t, addr, path)
		if resp.StatusCode != want.status || !strings.HasPrefix(strings.ToLower(body), strings.ToLower(want.body)) {
			t.Errorf("%s: %s %.80q", path, resp.Status, body)
		}
	}
	c := join(t, addr)
	wants(t, c, `2/chat,["node",{"id":"my-node"}]`, `2/chat,["msgToClient",{"name":"admin","text":"join chat."}]`)
	say(t, c, "안녕 👋")
}

// TestDev has a conversation over the two nodes of damso dev.
func TestDev(t *testing.T) {
	p := start(t, "dev", "NODE_PORT=0", "NODE_ID=one-name")
	addrs := p.addrs(2)
	p.says(p.out, `broker +in this process`)
	for _, addr := range addrs {
		awaitReady(t, addr, http.StatusOK)
	}
	one, two := join(t, addrs[0]), join(t, addrs[1])
	_, port, _ := net.SplitHostPort(addrs[0])
	wants(t, one, `2/chat,["node",{"id":"damso-`+port+`"}]`)
	say(t, one, "one", two)
	say(t, two, "two", one)
	old := siotest.At(t, addrs[1]).Open(siotest.Options{Protocol: 3, Polling: true})
	old.Join("/", "")
	old.Join("/chat", "")
	say(t, old, "old", one, two)
	p.stop()
	quiet(t, p)
}

// quiet fails the test if the program has logged that something is wrong.
func quiet(t *testing.T, p *program) {
	t.Helper()
	if log := p.err.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") || strings.Contains(log, "damso:") {
		t.Errorf("an ordinary run and end are nothing to complain of:\n%s", log)
	}
}

// TestStop ends a node whose clients are there.
func TestStop(t *testing.T) {
	p := start(t, "serve", "NODE_PORT=0")
	addr := p.addrs(1)[0]
	clients := siotest.At(t, addr)
	var all []*siotest.Client
	for _, o := range []siotest.Options{{}, {Polling: true}, {Protocol: 3}, {Protocol: 3, Polling: true}} {
		c := clients.Open(o)
		if o.Protocol == 3 {
			c.Join("/", "")
		}
		c.Join("/chat", "")
		all = append(all, c)
	}
	clients.Open(siotest.Options{}) // has not joined yet
	idle, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	p.stop()
	for _, c := range all {
		for {
			if _, err := c.Read(); err != nil {
				break
			}
		}
		c.WantEnd()
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a new connection was taken after the end")
	}
	quiet(t, p)
}

func TestStopBeforeStart(t *testing.T) {
	for _, args := range []string{"serve", "dev"} {
		p := start(t, args, "NODE_PORT=0")
		p.stop()
		quiet(t, p)
	}
}

func TestStaticDir(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"index.html": "for all", "3000/index.html": "for 3000", "3001": "a file"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for port, want := range map[uint16]string{3000: filepath.Join(dir, "3000"), 3001: dir, 3002: dir} {
		if got := staticDir(dir, port); got != want {
			t.Errorf("port %d: %s, want %s", port, got, want)
		}
	}
	if got := staticDir("", 3000); got != "" {
		t.Errorf("without a folder: %s", got)
	}
	p := start(t, "serve", "NODE_PORT=0", "STATIC_DIR="+dir)
	addr := p.addrs(1)[0]
	for path, want := range map[string]string{"/": "for all", "/3000/": "for 3000"} {
		if _, body := fetch(t, addr, path); body != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
	join(t, addr)
}

func TestCORS(t *testing.T) {
	for _, test := range []struct{ setting, origin, allow, credentials string }{
		{"", "https://a.example", "", ""},
		{"CORS_ORIGIN=https://a.example,https://b.example", "https://b.example", "https://b.example", "true"},
		{"CORS_ORIGIN=https://a.example", "https://evil.example", "", ""},
		{"CORS_ORIGIN=*", "https://a.example", "*", ""},
	} {
		t.Run(test.setting+" "+test.origin, func(t *testing.T) {
			p := start(t, "serve", "NODE_PORT=0", test.setting)
			addr := p.addrs(1)[0]
			for _, transport := range []string{"polling&sid=unknown", "pigeon"} { // on errors, too
				resp, _ := fetch(t, addr, "/socket.io/?EIO=4&transport="+transport, "Origin", test.origin)
				if got := resp.Header.Get("Access-Control-Allow-Origin"); got != test.allow {
					t.Errorf("%s: origin %q is allowed, want %q", transport, got, test.allow)
				}
				if got := resp.Header.Get("Access-Control-Allow-Credentials"); got != test.credentials {
					t.Errorf("%s: credentials %q are allowed, want %q", transport, got, test.credentials)
				}
			}
		})
	}
}

func TestDotenv(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("NODE_PORT=http\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut := newOutput(), newOutput()
	if status := run(t.Context(), []string{"serve"}, nil, out, errOut); status != 2 || !strings.Contains(errOut.String(), "(from .env)") {
		t.Errorf("exit status %d, stderr %q", status, errOut)
	}
}

// TestRedis has two nodes on one Redis, which goes and comes back.
func TestRedis(t *testing.T) {
	server := redistest.Start(t)
	where := []string{"NODE_PORT=0", "REDIS_HOST=" + server.Host(), "REDIS_PORT=" + strconv.Itoa(server.Port())}
	one, two := start(t, "serve", where...), start(t, "dev", where...)
	addrs := append(one.addrs(1), two.addrs(2)...)
	for _, p := range []*program{one, two} {
		p.says(p.out, `  Redis +`+server.Addr())
	}
	var clients []*siotest.Client
	for _, addr := range addrs {
		awaitReady(t, addr, http.StatusOK)
		clients = append(clients, join(t, addr))
	}
	say(t, clients[0], "안녕", clients[1:]...)
	say(t, clients[2], "hello", clients[:2]...)

	server.Kill()
	for i, addr := range addrs {
		if body := awaitReady(t, addr, http.StatusServiceUnavailable); !strings.HasPrefix(body, "not ready: ") {
			t.Errorf("/readyz says %q", body)
		}
		say(t, clients[i], "alone") // its own clients are served on
		if resp, _ := fetch(t, addr, "/healthz"); resp.StatusCode != http.StatusOK {
			t.Errorf("/healthz: %s", resp.Status)
		}
	}
	server.Restart()
	for _, addr := range addrs {
		awaitReady(t, addr, http.StatusOK)
	}
	say(t, clients[1], "again", clients[0], clients[2])
	one.stop()
	if log := one.err.String(); strings.Count(log, "level=WARN") != 1 {
		t.Errorf("one warning for one loss:\n%s", log)
	}
}

// TestRedisAway names a Redis that is not there.
func TestRedisAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	for _, args := range []string{"serve", "dev"} {
		t.Run(args, func(t *testing.T) {
			p := start(t, args, "NODE_PORT=0", "REDIS_HOST=127.0.0.1", fmt.Sprint("REDIS_PORT=", port),
				"REDIS_USERNAME=damso", "REDIS_PASSWORD=hunter2", "LOG_LEVEL=debug")
			addr := p.addrs(1)[0]
			p.says(p.out, fmt.Sprintf(`  Redis 127.0.0.1:%d can't be reached \(.*refused\): start it, or correct REDIS_HOST and REDIS_PORT. .*\n`, port))
			c := join(t, addr)
			say(t, c, "alone")
			awaitReady(t, addr, http.StatusServiceUnavailable)
			p.stop()
			if all := p.out.String() + p.err.String(); strings.Contains(all, "hunter2") {
				t.Errorf("the password is told:\n%s", all)
			}
		})
	}
}

// TestRedisModes has two nodes meet in each way, over TLS with a certificate of one's own.
func TestRedisModes(t *testing.T) {
	server := redistest.StartTLS(t)
	for _, mode := range []string{"classic", "sharded", "streams"} {
		t.Run(mode, func(t *testing.T) {
			var clients []*siotest.Client
			for range 2 {
				p := start(t, "serve", "NODE_PORT=0", "REDIS_HOST="+server.Addr(), "REDIS_TLS=true", "REDIS_TLS_CA="+server.CAFile(), "REDIS_MODE="+mode)
				addr := p.addrs(1)[0]
				awaitReady(t, addr, http.StatusOK)
				clients = append(clients, join(t, addr))
			}
			say(t, clients[0], "안녕", clients[1])
			say(t, clients[1], "hello", clients[0])
		})
	}
}

// TestRedisPassword has a Redis that wants another password.
func TestRedisPassword(t *testing.T) {
	server := redistest.Start(t)
	admin, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	fmt.Fprint(admin, "CONFIG SET requirepass another\r\n")
	if answer, err := bufio.NewReader(admin).ReadString('\n'); err != nil || answer != "+OK\r\n" {
		t.Fatalf("CONFIG SET: %q, %v", answer, err)
	}
	p := start(t, "serve", "NODE_PORT=0", "REDIS_HOST="+server.Host(), "REDIS_PORT="+strconv.Itoa(server.Port()),
		"REDIS_PASSWORD=hunter2", "LOG_LEVEL=debug")
	addr := p.addrs(1)[0]
	p.says(p.err, `level=WARN msg="redis: no connection`)
	body := awaitReady(t, addr, http.StatusServiceUnavailable)
	p.stop()
	if all := p.out.String() + p.err.String() + body; strings.Contains(all, "hunter2") {
		t.Errorf("the password is told:\n%s", all)
	}
}
