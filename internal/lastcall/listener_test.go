package lastcall

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T) *Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// greet greets everybody who comes until the listener ends, and returns how many.
func greet(t *testing.T, l net.Listener) int {
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := 0; ; n++ {
		conn, err := l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept: %v", err)
			}
			return n
		}
		wg.Go(func() {
			defer conn.Close()
			_, _ = io.WriteString(conn, "hello")
			_, _ = io.Copy(io.Discard, conn) // until the client has it
		})
	}
}

// visit connects, and reports whether it came to that. Then it must be greeted.
func visit(t *testing.T, addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		return false
	}
	defer conn.Close()
	var hello [5]byte
	if _, err := io.ReadFull(conn, hello[:]); err != nil {
		t.Errorf("turned away: %v", err)
	}
	return true
}

// TestFinish ends a listener while many connect: everybody is greeted, or refused.
func TestFinish(t *testing.T) {
	l := listen(t)
	var wg sync.WaitGroup
	var visits atomic.Int64
	for range 32 {
		wg.Go(func() {
			for visit(t, l.Addr().String()) {
				visits.Add(1)
			}
		})
	}
	greeted := make(chan int)
	go func() { greeted <- greet(t, l) }()
	for visits.Load() < 1000 {
		time.Sleep(time.Millisecond)
	}
	l.Finish(t.Context())
	wg.Wait()
	if n := <-greeted; int64(n) != visits.Load() {
		t.Errorf("%d were greeted, %d have come", n, visits.Load())
	}
}

// TestFinishWaiting ends a listener that was busy: those who wait are greeted first, also
// if that takes longer than grace.
func TestFinishWaiting(t *testing.T) {
	l := listen(t)
	var wg sync.WaitGroup
	const guests = 50
	var connected sync.WaitGroup
	connected.Add(guests)
	for range guests {
		wg.Go(func() {
			conn, err := net.Dial("tcp", l.Addr().String())
			connected.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
				t.Errorf("turned away: %v", err)
			}
		})
	}
	connected.Wait()
	if err := l.SetDeadline(time.Now()); err != nil { // as if grace were over
		t.Fatal(err)
	}
	if n := greet(t, l); n != guests {
		t.Errorf("%d were greeted, %d have come", n, guests)
	}
	wg.Wait()
	l.Finish(t.Context()) // once more does not harm
}

// TestFinishAlone: who does not accept is not waited for without end.
func TestFinishAlone(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Finish(ctx)
	if visit(t, l.Addr().String()) {
		t.Error("still listens")
	}
}
