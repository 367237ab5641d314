package engineio

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A loop reads from many connections, one after the other, with one goroutine and
// one buffer for all. A connection costs it its descriptor and a pointer. The
// loop's own descriptor is in the runtime's poller, so that a loop without work
// is a goroutine that waits like any other and holds no thread.
type loop struct {
	// Set once.
	file *os.File // the epoll instance
	poll syscall.RawConn
	fd   int // of file

	// Guarded by mu.
	mu    sync.Mutex
	links []*loopLink // by descriptor
	added int32       // links so far
	ended bool

	// Owned by run.
	events [128]syscall.EpollEvent
	ready  int // how many events there are
	buf    [64 << 10]byte
	w      writer
}

// newLoop returns a loop that has to be run, or nil if the system has none to
// give.
func newLoop(log *slog.Logger) *loop {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		log.Warn("no epoll instance: each connection gets a goroutine instead", "error", err)
		return nil
	}
	l := &loop{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if l.poll, err = l.file.SyscallConn(); err != nil {
		_ = l.file.Close()
		return nil
	}
	return l
}

// run reads until ctx ends; then it closes the connections that are left.
func (l *loop) run(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { _ = l.file.Close() })()
	for l.poll.Read(l.wait) == nil {
		for _, e := range l.events[:l.ready] {
			if link := l.find(e); link != nil {
				link.handle(l, e.Events)
			}
		}
	}
	for _, link := range l.end() {
		if link != nil {
			link.fail(net.ErrClosed)
		}
	}
}

// end takes no more links and returns those there are.
func (l *loop) end() []*loopLink {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	return slices.Clone(l.links)
}

// wait fetches events, and says whether there are any.
func (l *loop) wait(uintptr) bool {
	n, err := syscall.EpollWait(l.fd, l.events[:], 0)
	l.ready = max(n, 0)
	return n > 0 || err != nil && err != syscall.EINTR
}

// find returns the link that an event is about: nil if that is closed, even if its
// descriptor is another link's by now.
func (l *loop) find(e syscall.EpollEvent) *loopLink {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fd := int(e.Fd); fd < len(l.links) && l.links[fd] != nil && l.links[fd].number == e.Pad {
		return l.links[fd]
	}
	return nil
}

// add takes a link, unless the loop has ended.
func (l *loop) add(k *loopLink) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	if n := k.fd + 1 - len(l.links); n > 0 {
		l.links = append(l.links, make([]*loopLink, n)...)
	}
	l.added++
	l.links[k.fd], k.number = k, l.added
	return true
}

// forget gives up a link, which may not have been added.
func (l *loop) forget(k *loopLink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.fd < len(l.links) && l.links[k.fd] == k {
		l.links[k.fd] = nil
	}
}

// A loopLink is a link over a descriptor that a loop watches.
type loopLink struct {
	// Set once.
	loop *loop
	ws   *wsConn
	fd   int

	refs   atomic.Int32 // who uses fd, and one until it is closed
	closed atomic.Bool

	number int32 // tells links of one descriptor apart; guarded by loop.mu, then set once

	// Guarded by mu.
	mu      sync.Mutex
	started bool        // the kernel watches fd
	paused  bool        // nothing is to be read
	hung    bool        // the client hung up during a pause, and the session knows
	full    bool        // the kernel is to say when there is room
	timer   *time.Timer // of linger
}

// newLoopLink takes conn's descriptor over and closes conn. It returns nil if that
// can't be had.
func newLoopLink(l *loop, c *wsConn, conn *net.TCPConn) *loopLink {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	err = raw.Control(func(old uintptr) {
		if n, _, e := syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0); e == 0 {
			fd = int(n)
		}
	})
	if err != nil || fd < 0 {
		return nil
	}
	_ = conn.Close() // fd goes on
	link := &loopLink{loop: l, ws: c, fd: fd}
	link.refs.Store(1)
	return link
}

func (k *loopLink) start() {
	err := net.ErrClosed
	if k.acquire() { // else fd may be another's by now
		if k.loop.add(k) {
			k.mu.Lock()
			k.started = true
			err = k.control(syscall.EPOLL_CTL_ADD)
			k.mu.Unlock()
		}
		k.release()
	}
	if err != nil {
		k.fail(fmt.Errorf("engineio: watch connection: %w", err))
	}
}

// handle takes what the loop has noticed about the descriptor.
func (k *loopLink) handle(l *loop, events uint32) {
	if events&syscall.EPOLLOUT != 0 {
		k.watch(&k.full, false)
		k.ws.session.unblock(&l.w)
	}
	if events&syscall.EPOLLRDHUP != 0 {
		k.watch(&k.hung, true)
		k.ws.session.hungUp()
	}
	if events&^(syscall.EPOLLOUT|syscall.EPOLLRDHUP) == 0 {
		return
	}
	if err := k.read(l.buf[:]); err != nil {
		k.fail(err)
	}
}

// read reads what there is, up to a bufferful: the loop comes again, and others
// want their turn.
func (k *loopLink) read(buf []byte) error {
	if !k.acquire() {
		return nil
	}
	n, err := syscall.Read(k.fd, buf)
	k.release()
	switch {
	case n > 0:
		return k.ws.receive(buf[:n])
	case err == syscall.EAGAIN, err == syscall.EINTR:
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	default:
		return io.EOF
	}
}

func (k *loopLink) write(p []byte) (int, error) {
	if !k.acquire() {
		return 0, net.ErrClosed
	}
	defer k.release()
	written := 0
	for written < len(p) {
		n, err := syscall.Write(k.fd, p[written:])
		written += max(n, 0)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return written, errWouldBlock
		case err != nil:
			return written, os.NewSyscallError("write", err)
		}
	}
	return written, nil
}

func (k *loopLink) writeNow(p []byte) error {
	_, err := k.write(p)
	return err
}

func (k *loopLink) drain()  { k.watch(&k.full, true) }
func (k *loopLink) pause()  { k.watch(&k.paused, true) }
func (k *loopLink) resume() { k.watch(&k.paused, false) }

// watch sets one of the conditions for what the kernel watches.
func (k *loopLink) watch(condition *bool, value bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if *condition == value {
		return
	}
	*condition = value
	if k.started {
		_ = k.control(syscall.EPOLL_CTL_MOD) // fails only if the connection is being closed
	}
}

// control tells the kernel what to watch for; mu is held.
func (k *loopLink) control(op int) error {
	if !k.acquire() {
		return net.ErrClosed
	}
	defer k.release()
	e := syscall.EpollEvent{Fd: int32(k.fd), Pad: k.number}
	if !k.paused {
		e.Events |= syscall.EPOLLIN
	} else if !k.hung {
		e.Events |= syscall.EPOLLRDHUP
	}
	if k.full {
		e.Events |= syscall.EPOLLOUT
	}
	return syscall.EpollCtl(k.loop.fd, op, k.fd, &e)
}

// fail ends the connection for a reason that is not ours.
func (k *loopLink) fail(err error) {
	k.ws.lost(err)
	k.close()
}

func (k *loopLink) linger() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed.Load() {
		k.timer = time.AfterFunc(lingerTimeout, func() { k.fail(os.ErrDeadlineExceeded) })
	}
}

func (k *loopLink) close() {
	if k.closed.Swap(true) {
		return
	}
	k.mu.Lock()
	if k.timer != nil {
		k.timer.Stop()
	}
	k.mu.Unlock()
	k.release()
}

// acquire keeps the descriptor from being closed, and with it from becoming that
// of another connection, until release.
func (k *loopLink) acquire() bool {
	for {
		n := k.refs.Load()
		if n == 0 || k.closed.Load() {
			return false
		}
		if k.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (k *loopLink) release() {
	if k.refs.Add(-1) == 0 {
		k.loop.forget(k)
		_ = syscall.Close(k.fd) // which also ends the watch
	}
}
