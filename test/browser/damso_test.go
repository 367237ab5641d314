package browser

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testenv"
)

// binary builds the command, with the page in it, once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "damso-browser-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "damso")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/damso").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// A damso is a running command.
type damso struct {
	t    testing.TB
	cmd  *exec.Cmd
	urls []string // of its nodes
	logs *bytes.Buffer
}

// nodeLine is what the command says of a node that listens.
var nodeLine = regexp.MustCompile(`^ *node +\S+ +(http://\S+)$`)

// start runs the command, waits until its nodes listen, and ends it with the test.
func start(t testing.TB, nodes int, command string, env ...string) *damso {
	t.Helper()
	if _, err := os.Stat("../../internal/page/dist/site/index.html"); err != nil {
		testenv.Missing(t, "the page is not built; `make page` builds it")
	}
	path, err := binary()
	if err != nil {
		t.Fatalf("build damso: %v", err)
	}
	d := &damso{t: t, cmd: exec.Command(path, command), logs: &bytes.Buffer{}}
	d.cmd.Dir = t.TempDir() // where no .env is
	d.cmd.Env = append(os.Environ(), env...)
	d.cmd.Stderr = d.logs
	stdout, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	lines := bufio.NewScanner(stdout)
	for len(d.urls) < nodes {
		if !lines.Scan() {
			d.stop()
			t.Fatalf("damso %s ended:\n%s", command, d.logs)
		}
		if m := nodeLine.FindStringSubmatch(lines.Text()); m != nil {
			d.urls = append(d.urls, m[1])
		}
	}
	go io.Copy(io.Discard, stdout) // ends with the command
	return d
}

// serve runs one node that meets others at the broker, on a port of its own if
// port is 0.
func serve(t testing.TB, broker *redistest.Server, port int, env ...string) *damso {
	t.Helper()
	return start(t, 1, "serve", append(env,
		"NODE_PORT="+strconv.Itoa(port), "REDIS_HOST="+broker.Host(), "REDIS_PORT="+strconv.Itoa(broker.Port()))...)
}

// stop ends the command as an operator does. It must go within 10 seconds.
func (d *damso) stop() {
	if d.cmd.ProcessState != nil {
		return
	}
	killed := false
	killer := time.AfterFunc(15*time.Second, func() { killed = true; d.cmd.Process.Kill() })
	d.cmd.Process.Signal(syscall.SIGTERM)
	d.cmd.Wait()
	if !killer.Stop() && killed {
		d.t.Error("damso did not end after SIGTERM")
	}
	if d.t.Failed() {
		d.t.Logf("damso wrote:\n%s", d.logs)
	}
}

func (d *damso) port() int {
	port, _ := strconv.Atoi(d.urls[0][strings.LastIndexByte(d.urls[0], ':')+1:])
	return port
}
