package deploy

import (
	"bytes"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen before it gives up.
const patience = 30 * time.Second

// A process is a program that runs until the test ends. Its methods are for the test's
// goroutine alone.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	stop  syscall.Signal // that ends it with the test
	wrote *logbook
	ended chan error // has the program's end, once
}

// launch starts a program in a folder of its own. What it writes is logged if the test
// fails.
func launch(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(name, args...), stop: syscall.SIGTERM, wrote: &logbook{}, ended: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = t.TempDir(), append(p.cmd.Environ(), env...), p.wrote, p.wrote
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // also when the test is broken off
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.end(p.stop)
		if text := p.wrote.String(); t.Failed() && text != "" {
			t.Logf("%v wrote:\n%s", p.cmd.Args, text)
		}
	})
	return p
}

// end sends the program a signal and waits for its end, which it returns.
func (p *process) end(sig syscall.Signal) error {
	_ = p.cmd.Process.Signal(sig) // it may have ended
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("%v did not end within %v of %v", p.cmd.Args, patience, sig)
		return <-p.ended
	}
}

// await asks again and again until the answer is no error, or the program has ended.
func (p *process) await(what string, ask func() error) {
	p.t.Helper()
	for end := time.Now().Add(patience); ; {
		err := ask()
		if err == nil {
			return
		}
		select {
		case state := <-p.ended:
			p.ended <- state
			p.t.Fatalf("%s: %v has ended: %v", what, p.cmd.Args, state)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}

// freePort is a port that nobody listens on.
func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// A logbook keeps the first part of what is written to it.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p[:min(len(p), 64<<10-l.buf.Len())])
	return len(p), nil
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
