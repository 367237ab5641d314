// Package natstest runs real NATS servers for tests.
package natstest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/internal/testenv"
)

// patience is how long a server may take to start or to stop.
const patience = 15 * time.Second

// A Server is a nats-server process on a port of its own. Its methods end the test when
// they fail; they are for the test's goroutine alone.
type Server struct {
	t      testing.TB
	path   string
	config string // a file
	port   int

	cmd    *exec.Cmd // nil while the server is stopped
	output *output
}

// Start starts a server that ends with the test. config is the text of its
// configuration; "" is the default. Without nats-server the test is skipped or fails,
// as package testenv has it.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	s := &Server{t: t, path: program(t), config: filepath.Join(t.TempDir(), "nats.conf")}
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	for try := 0; ; try++ {
		s.port = freePort(t)
		err := s.start()
		if err == nil {
			return s
		}
		if try == 4 || !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
	}
}

// program returns the path of nats-server: the one that `make deps` builds, or one that
// is installed.
func program(t testing.TB) string {
	_, file, _, _ := runtime.Caller(0)
	built := filepath.Join(filepath.Dir(file), "../../.cache/bin/nats-server")
	if _, err := os.Stat(built); err == nil {
		return built
	}
	return testenv.Need(t, "nats-server")
}

// URL returns where the server is. It does not change.
func (s *Server) URL() string { return "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Stop ends the server as an administrator does, and waits for its end.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once, and waits for its end. It may be stopped already.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

// Restart starts the server on the same port again, killing it first if it runs.
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
		s.t.Fatal("natstest: the server is stopped")
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("natstest: signal %v: %v", sig, err)
	}
}

// start starts the server and waits until it says that it takes connections.
func (s *Server) start() error {
	s.output = &output{ready: make(chan struct{}), failed: make(chan struct{})}
	s.cmd = exec.Command(s.path, "-a", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", s.config)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("natstest: %w", err)
	}
	select {
	case <-s.output.ready:
		return nil
	case <-s.output.failed:
	case <-time.After(patience):
	}
	s.Kill()
	return fmt.Errorf("natstest: nats-server did not start:\n%s", s.output.text())
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
	failed chan struct{} // closed when it can't start

	mu   sync.Mutex
	buf  bytes.Buffer
	done bool
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	switch {
	case o.done:
	case bytes.Contains(o.buf.Bytes(), []byte("Server is ready")):
		o.done = true
		close(o.ready)
	case bytes.Contains(o.buf.Bytes(), []byte("[FTL]")), bytes.Contains(o.buf.Bytes(), []byte("nats-server:")):
		o.done = true
		close(o.failed)
	}
	return len(p), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
