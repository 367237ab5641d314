// Package testkit runs the outside judges of the tests: Node programs and a real
// browser. Without them a test is skipped or fails, as package testenv has it.
package testkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/internal/testenv"
)

// patience is how long a test waits for an outside program to say or do
// something. It is reached only when something is wrong.
const patience = 2 * time.Minute

// A Script is a Node program that speaks in JSON, one value a line, on its
// standard output, and takes such lines on its standard input. It must end when
// that input ends, so that nothing is left when a test is broken off.
type Script struct {
	Path string   // its folder must have node_modules
	Args []string // what follows the path
	Env  []string // KEY=value, besides the environment of the test
}

// A Process is a running Script. Its methods end the test when they fail; they
// are for one goroutine at a time.
type Process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan []byte // closed at the end of the output
	ended chan error  // has the program's end, once
	errs  *logbook
}

// Node starts a script, which ends with the test at the latest. What it writes to
// its standard error is logged if the test fails.
func Node(t testing.TB, s Script) *Process {
	t.Helper()
	node := testenv.Need(t, "node")
	testenv.NeedNodeModules(t, filepath.Dir(s.Path))
	p := &Process{
		t:     t,
		name:  filepath.Base(s.Path),
		cmd:   exec.Command(node, append([]string{s.Path}, s.Args...)...),
		lines: make(chan []byte, 256),
		ended: make(chan error, 1),
		errs:  &logbook{},
	}
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.Stderr = p.errs
	if err := p.start(); err != nil {
		t.Fatalf("testkit: %s: %v", p.name, err)
	}
	t.Cleanup(p.stop)
	return p
}

func (p *Process) start() (err error) {
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go p.read(stdout)
	return nil
}

// read hands on the program's lines until its output ends, then waits for its end.
func (p *Process) read(stdout io.Reader) {
	scanner := bufio.NewScanner(stdout)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		p.lines <- bytes.Clone(scanner.Bytes())
	}
	close(p.lines)
	p.ended <- p.cmd.Wait()
}

// Next decodes the next line into v. It returns false when the program has closed
// its output instead.
func (p *Process) Next(v any) bool {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			return false
		}
		if err := json.Unmarshal(line, v); err != nil {
			p.t.Fatalf("testkit: %s said %q: %v", p.name, line, err)
		}
		return true
	case <-time.After(patience):
		p.t.Fatalf("testkit: %s said nothing for %v", p.name, patience)
		return false
	}
}

// Expect is Next for a program that must go on: its end fails the test.
func (p *Process) Expect(v any) {
	p.t.Helper()
	if !p.Next(v) {
		p.t.Fatalf("testkit: %s ended too early: %v", p.name, p.Wait())
	}
}

// Send writes v to the program as a line of JSON.
func (p *Process) Send(v any) {
	p.t.Helper()
	line, err := json.Marshal(v)
	if err == nil {
		_, err = p.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		p.t.Fatalf("testkit: send to %s: %v", p.name, err)
	}
}

// Wait waits for the program's end and returns how it ended, as [exec.Cmd.Wait]
// does. The lines left unread are dropped.
func (p *Process) Wait() error {
	for range p.lines {
	}
	err := <-p.ended
	p.ended <- err
	return err
}

// Kill ends the program at once and waits for its end.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	p.Wait()
}

// stop ends the program gently, by ending its input, and if need be with force.
func (p *Process) stop() {
	p.stdin.Close()
	killer := time.AfterFunc(5*time.Second, func() { p.cmd.Process.Kill() })
	p.Wait()
	killer.Stop()
	if text := p.errs.String(); p.t.Failed() && text != "" {
		p.t.Logf("%s wrote:\n%s", p.name, text)
	}
}

// A logbook keeps the first part of what is written to it.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const logbookSize = 64 << 10

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p[:min(len(p), logbookSize-l.buf.Len())])
	return len(p), nil
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
