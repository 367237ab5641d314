package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// A cluster is two nodes and their Redis.
type cluster struct {
	dir          string // of the program that was built
	redis        *process
	owner, other *process
	idle         float64 // messages on Redis in a second without clients
}

type process struct {
	*exec.Cmd
	addr string
}

// startCluster starts nodes by a command, or bench/server if it is empty.
func startCluster(command string) (c *cluster, err error) {
	c = &cluster{}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	if c.dir, err = os.MkdirTemp("", "hop"); err != nil {
		return c, err
	}
	if command == "" {
		command = filepath.Join(c.dir, "server")
		build := exec.Command("go", "build", "-o", command, "github.com/damso/damso/bench/server")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return c, fmt.Errorf("build bench/server: %w", err)
		}
	}
	if c.redis, err = start(func(port string) *exec.Cmd {
		return exec.Command("redis-server", "--port", port, "--save", "", "--bind", "127.0.0.1")
	}); err != nil {
		return c, err
	}
	_, redis, _ := net.SplitHostPort(c.redis.addr)
	node := func(port string) *exec.Cmd {
		cmd := exec.Command("/bin/sh", "-c", "exec "+command)
		cmd.Env = append(os.Environ(), "NODE_PORT="+port, "REDIS_HOST=127.0.0.1", "REDIS_PORT="+redis, "JOIN_MSG=0", "NODE_ENV=production")
		return cmd
	}
	if c.owner, err = start(node); err != nil {
		return c, err
	}
	c.other, err = start(node)
	return c, err
}

func (c *cluster) stop() {
	for _, p := range []*process{c.owner, c.other, c.redis} {
		if p != nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	}
	os.RemoveAll(c.dir)
}

// start starts a process that listens on a port, and returns when it does.
func start(command func(port string) *exec.Cmd) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	p := &process{command(port), addr}
	p.Stderr = os.Stderr
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Path, err)
	}
	for range 400 {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return p, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = p.Process.Kill()
	_ = p.Wait()
	return nil, fmt.Errorf("%s does not listen on %s", p.Args, addr)
}

// A usage is what a cluster has used since its start, or in some time.
type usage struct {
	owner, other, redis time.Duration // of CPU
	messages            int64         // on Redis
}

func (c *cluster) usage() (u usage, err error) {
	messages, err := c.messages()
	return usage{cpu(c.owner), cpu(c.other), cpu(c.redis), messages}, err
}

func (u usage) since(v usage) usage {
	return usage{u.owner - v.owner, u.other - v.other, u.redis - v.redis, u.messages - v.messages}
}

// listenIdly measures what is on Redis while there are no clients: signs of life.
func (c *cluster) listenIdly(length time.Duration) error {
	time.Sleep(time.Second) // until the nodes know each other
	before, err := c.messages()
	if err != nil {
		return err
	}
	time.Sleep(length)
	after, err := c.messages()
	c.idle = float64(after-before) / length.Seconds()
	return err
}

// cpu returns the CPU time of a process, in the kernel too. Its clock is finer than
// the hundredths of /proc/PID/stat; see clock_getcpuclockid(3).
func cpu(p *process) time.Duration {
	var t syscall.Timespec
	const perProcess, scheduled = 0, 2
	clock := ^p.Process.Pid<<3 | perProcess | scheduled
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0)
	return time.Duration(t.Nano())
}

// publications are the commands that carry a message.
var publications = regexp.MustCompile(`(?m)^cmdstat_(?:publish|spublish|xadd):calls=(\d+)`)

// messages asks Redis how many messages it was given.
func (c *cluster) messages() (total int64, err error) {
	conn, err := net.Dial("tcp", c.redis.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("INFO commandstats\r\n")); err != nil {
		return 0, err
	}
	in := bufio.NewReader(conn)
	head, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	size, err := strconv.Atoi(strings.Trim(head, "$\r\n"))
	if err != nil {
		return 0, errors.New("redis answers INFO with " + head)
	}
	stats := make([]byte, size)
	if _, err := io.ReadFull(in, stats); err != nil {
		return 0, err
	}
	for _, m := range publications.FindAllSubmatch(stats, -1) {
		n, _ := strconv.ParseInt(string(m[1]), 10, 64)
		total += n
	}
	return total, nil
}
