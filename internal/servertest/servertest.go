// Package servertest runs server programs for tests.
package servertest

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a server may take to start or to stop.
const Patience = 45 * time.Second

// A Program is what is to be run.
type Program struct {
	Path string
	// Args returns the arguments with which it listens to a port of [Host].
	Args func(port int) []string
	// Port returns a port that is free. If nil, it is [FreePort].
	Port func(t testing.TB) int
	// Ready is what it prints when it takes connections: one of these.
	Ready []string
	// Failed is what it prints when it can't start.
	Failed []string
}

// Host is the address of all servers.
const Host = "127.0.0.1"

// A Server is a process on a port of its own. Its methods end the test when they fail;
// they are for the test's goroutine alone.
type Server struct {
	t       testing.TB
	program Program
	port    int

	cmd    *exec.Cmd // nil while the server is stopped
	output *output
}

// Start starts a server that ends with the test.
func Start(t testing.TB, p Program) *Server {
	t.Helper()
	if p.Port == nil {
		p.Port = FreePort
	}
	s := &Server{t: t, program: p}
	t.Cleanup(s.Kill)
	for try := 0; ; try++ {
		s.port = p.Port(t)
		err := s.start()
		if err == nil {
			return s
		}
		if try == 4 || !strings.Contains(err.Error(), "in use") {
			t.Fatal(err)
		}
	}
}

// FreePort returns a port that nobody listens to.
func FreePort(t testing.TB) int {
	l, err := net.Listen("tcp", net.JoinHostPort(Host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Addr returns the server's host and port. It does not change.
func (s *Server) Addr() string { return net.JoinHostPort(Host, strconv.Itoa(s.port)) }

// Host returns the server's address.
func (s *Server) Host() string { return Host }

// Port returns the server's port. It does not change.
func (s *Server) Port() int { return s.port }

// Output returns what the server has printed since it was started.
func (s *Server) Output() string { return s.output.text() }

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
		s.t.Fatal("servertest: the server is stopped")
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("servertest: signal %v: %v", sig, err)
	}
}

// start starts the server and waits until it says that it takes connections.
func (s *Server) start() error {
	s.output = &output{program: &s.program, ready: make(chan struct{}), failed: make(chan struct{})}
	s.cmd = exec.Command(s.program.Path, s.program.Args(s.port)...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("servertest: %w", err)
	}
	select {
	case <-s.output.ready:
		return nil
	case <-s.output.failed:
	case <-time.After(Patience):
	}
	s.Kill()
	return fmt.Errorf("servertest: %s did not start:\n%s", filepath.Base(s.program.Path), s.output.text())
}

func (s *Server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	// A frozen process gets SIGTERM only when it goes on.
	s.cmd.Process.Signal(sig)
	s.cmd.Process.Signal(syscall.SIGCONT)
	killer := time.AfterFunc(Patience, func() { s.cmd.Process.Kill() })
	s.cmd.Wait()
	killer.Stop()
	s.cmd = nil
}

// An output collects what the server prints, and watches for what says how it goes.
type output struct {
	program *Program
	ready   chan struct{} // closed when the server takes connections
	failed  chan struct{} // closed when it can't start

	mu   sync.Mutex
	buf  bytes.Buffer
	done bool // one of them is closed
}

// Write implements [io.Writer] for the process.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
	switch {
	case o.done:
	case o.says(o.program.Ready):
		o.done = true
		close(o.ready)
	case o.says(o.program.Failed):
		o.done = true
		close(o.failed)
	}
	return len(p), nil
}

func (o *output) says(any []string) bool {
	for _, text := range any {
		if bytes.Contains(o.buf.Bytes(), []byte(text)) {
			return true
		}
	}
	return false
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
