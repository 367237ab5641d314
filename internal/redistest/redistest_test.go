package redistest

import (
	"bufio"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ping returns nil if the server answers within the time.
func ping(addr string, within time.Duration) error {
	conn, err := net.DialTimeout("tcp", addr, within)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(within))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

func TestServer(t *testing.T) {
	s := Start(t)
	addr := s.Addr()
	up := func(step string) {
		t.Helper()
		if err := ping(addr, 5*time.Second); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	down := func(step string) {
		t.Helper()
		if ping(addr, 50*time.Millisecond) == nil {
			t.Fatalf("%s: the server answers", step)
		}
	}
	up("started")
	s.AwaitLog("Ready to accept connections", 1)
	s.Pause()
	down("paused")
	s.Resume()
	up("resumed")
	s.Stop()
	down("stopped")
	s.Restart()
	up("restarted")
	s.Kill()
	down("killed")
	s.Restart()
	s.Restart()
	up("restarted while up")
	if s.Addr() != addr {
		t.Errorf("Addr() = %q, was %q", s.Addr(), addr)
	}
}

func TestTwoServers(t *testing.T) {
	if a, b := Start(t), Start(t); a.Addr() == b.Addr() {
		t.Error("two servers on one address")
	}
}
