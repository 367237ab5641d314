package cluster

import (
	"runtime"
	"testing"
	"time"
	"weak"
)

// newTestNode returns a node whose mesh carries nothing.
func newTestNode(t *testing.T) *Node {
	n := New(lateMesh{until: time.Now()}, Options{})
	t.Cleanup(n.Close)
	return n
}

// TestSlowKeepsLittle has a client take nothing: what waits for it holds its own bytes in
// memory, and not the messages that they came in, most of which may be others' bytes.
func TestSlowKeepsLittle(t *testing.T) {
	s := newTestNode(t).newStream("bbbbbb", 1, "s")
	large := make([]byte, maxBatch)
	message := weak.Make(&large[0])
	s.take(record{kind: kindData, body: large[10:12]})
	large = nil
	runtime.GC()
	if message.Value() != nil {
		t.Error("two bytes hold a whole message")
	}
	buf := make([]byte, 3)
	if n, err := s.Read(buf); n != 2 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
