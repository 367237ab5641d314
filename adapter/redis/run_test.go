package redis

import (
	"testing"
	"time"
)

func TestRetryDelay(t *testing.T) {
	for _, test := range []struct {
		failures  int
		low, high time.Duration
	}{
		{0, 50 * time.Millisecond, 100 * time.Millisecond},
		{1, 100 * time.Millisecond, 200 * time.Millisecond},
		{4, 800 * time.Millisecond, 1600 * time.Millisecond},
		{5, time.Second, 2 * time.Second},
		{1 << 40, time.Second, 2 * time.Second},
	} {
		if low, high := retryDelay(test.failures, 0), retryDelay(test.failures, 1); low != test.low || high != test.high {
			t.Errorf("after %d failures: %v to %v, want %v to %v", test.failures, low, high, test.low, test.high)
		}
	}
}

// TestTimeouts: a PING goes out at the second tick after the last answer at the latest.
func TestTimeouts(t *testing.T) {
	o := withDefaults(redisOptions)
	if worst := 2*o.Dialer.KeepAlive + o.ConnWriteTimeout; worst > 10*time.Second {
		t.Errorf("a Redis that hangs is noticed after %v", worst)
	}
}

func TestGlobEscaper(t *testing.T) {
	if got, want := newNamespace(New(redisOptions, Options{Prefix: "p"}), `/a*?[b]\c`, nil).topics[0].name, `p#/a\*\?\[b\]\\c#*`; got != want {
		t.Errorf("pattern %s, want %s", got, want)
	}
}

func TestUID(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		uid := newUID()
		if len(uid) != 6 || seen[uid] {
			t.Fatalf("uid %q", uid)
		}
		seen[uid] = true
	}
}

func TestQueueLimits(t *testing.T) {
	q := newQueue(3, 2000)
	i := item{op: chatMessage}
	if err := q.put(i); err != ErrUnavailable {
		t.Errorf("closed: %v", err)
	}
	q.setOpen(true)
	for n, want := range []error{nil, nil, nil, ErrQueueFull} {
		if err := q.put(i); err != want {
			t.Errorf("item %d: %v, want %v", n, err, want)
		}
	}
	if got := q.swap(nil); len(got) != 3 {
		t.Errorf("%d items, want 3", len(got))
	}
	large := *chatMessage
	large.Event.Attachments = [][]byte{make([]byte, 3000)}
	for n, want := range []error{nil, ErrQueueFull} {
		if err := q.put(item{op: &large}); err != want {
			t.Errorf("large item %d: %v, want %v", n, err, want)
		}
	}
	if got := len(q.setOpen(false)); got != 1 {
		t.Errorf("%d items dropped, want 1", got)
	}
}
