// Package redistest runs real Redis servers for tests.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/internal/testenv"
)

// patience is how long a server may take to start or to stop, and sentinels to agree:
// when none of them has won a vote, they wait for seconds.
const patience = 45 * time.Second

// A Server is a redis-server process on a port of its own, without persistence. Its
// methods end the test when they fail; they are for the test's goroutine alone.
type Server struct {
	t    testing.TB
	path string
	dir  string
	port int
	conf string      // the file of settings, "" if there is none
	args []string    // beside those that every server gets
	tls  *tls.Config // of clients, nil without TLS

	cmd    *exec.Cmd // nil while the server is stopped
	output *output
}

// Start starts a server that ends with the test. args are settings as on its command
// line: "--maxmemory", "10mb". Without redis-server or valkey-server the test is skipped
// or fails, as package testenv has it.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return launch(t, func(s *Server) { s.args = args })
}

// launch starts a server on a free port that prepare is told before.
func launch(t testing.TB, prepare func(s *Server)) *Server {
	t.Helper()
	s := &Server{t: t, path: testenv.Need(t, "redis-server", "valkey-server"), dir: t.TempDir()}
	t.Cleanup(s.Kill)
	for try := 0; ; try++ {
		s.port = freePort(t)
		prepare(s)
		err := s.start()
		if err == nil {
			return s
		}
		if try == 4 || !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
	}
}

// Addr returns the server's host and port. It does not change.
func (s *Server) Addr() string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.port)) }

// Host returns the server's address.
func (s *Server) Host() string { return "127.0.0.1" }

// Port returns the server's port. It does not change.
func (s *Server) Port() int { return s.port }

// Stop ends the server as an administrator does, and waits for its end.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once, and waits for its end. It may be stopped already.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Restart starts the server on the same port again, killing it first if it runs.
// What it held is gone.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Pause freezes the server: connections stay, nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a frozen server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if s.cmd == nil {
		s.t.Fatal("redistest: the server is stopped")
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redistest: signal %v: %v", sig, err)
	}
}

// start starts the server and waits until it says that it takes connections.
func (s *Server) start() error {
	s.output = newOutput()
	s.cmd = exec.Command(s.path, s.arguments()...)
	s.cmd.Stdout = s.output
	s.cmd.Stderr = s.output
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("redistest: %w", err)
	}
	select {
	case <-s.output.ready:
		return nil
	case <-s.output.failed:
	case <-time.After(patience):
	}
	s.Kill()
	return fmt.Errorf("redistest: redis-server did not start:\n%s", s.output.text())
}

// arguments are those of the server's command line.
func (s *Server) arguments() (args []string) {
	if s.conf != "" {
		args = append(args, s.conf)
	}
	args = append(args, "--bind", s.Host(), "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	if s.tls == nil {
		args = append(args, "--port", strconv.Itoa(s.port))
	} else {
		args = append(args, "--port", "0", "--tls-port", strconv.Itoa(s.port))
	}
	return append(args, s.args...)
}

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	// A frozen process gets SIGTERM only when it goes on.
	s.cmd.Process.Signal(sig)
	s.cmd.Process.Signal(syscall.SIGCONT)
	killer := time.AfterFunc(patience, func() { s.cmd.Process.Kill() })
	s.cmd.Wait()
	killer.Stop()
	s.cmd = nil
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// An output collects what the server prints, and watches for two lines.
type output struct {
	ready  chan struct{} // closed when the server takes connections
	failed chan struct{} // closed when it cannot have its port

	mu  sync.Mutex
	buf bytes.Buffer
}

func newOutput() *output {
	return &output{ready: make(chan struct{}), failed: make(chan struct{})}
}

// Write implements [io.Writer] for the process.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	lines := bufio.NewScanner(bytes.NewReader(o.buf.Bytes()))
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.Contains(line, "Ready to accept connections"), strings.Contains(line, "Sentinel ID is"):
			closeOnce(o.ready)
		case strings.Contains(line, "Address already in use"), strings.Contains(line, "Failed listening"):
			closeOnce(o.failed)
		}
	}
	return len(p), nil
}

// closeOnce closes a channel that only the caller closes.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
