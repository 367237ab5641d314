package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRecovery(t *testing.T) {
	srv := newServer()
	t.Cleanup(func() { srv.Close() })
	at := siotest.Listen(t, srv)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick(ctx, srv, time.Millisecond)
	}()
	defer func() {
		stop()
		<-done
	}()

	me := client{t: t}
	for life := range 4 {
		c := at.Open(siotest.Options{})
		_ = c.Send("0" + me.kept())
		for n := me.n; !me.connected || me.n < n+5; {
			me.read(c.Text())
		}
		c.Close()
		me.connected = false
		if me.welcomes != 1 {
			t.Fatalf("%d welcomes in life %d", me.welcomes, life)
		}
	}
}

// A client is what socket.io-client remembers from one connection to the next.
type client struct {
	t                *testing.T
	sid, pid, offset string
	connected        bool
	welcomes, n      int
}

// kept is what the client tells when it comes back.
func (c *client) kept() string {
	if c.pid == "" {
		return ""
	}
	return `{"pid":"` + c.pid + `","offset":"` + c.offset + `"}`
}

// read takes a packet: the answer to joining, or an event, whose last argument is its
// offset. Events that were missed come before the answer.
func (c *client) read(packet string) {
	c.t.Helper()
	var ids struct{ SID, PID string }
	var name string
	var n int
	switch {
	case packet[0] == '0' && json.Unmarshal([]byte(packet[1:]), &ids) == nil:
		if c.sid != "" && (ids.SID != c.sid || ids.PID != c.pid) {
			c.t.Fatalf("came back as %s, was %s", ids.SID, c.sid)
		}
		c.sid, c.pid, c.connected = ids.SID, ids.PID, true
	case json.Unmarshal([]byte(packet[1:]), &[]any{&name, &c.offset}) == nil && name == "welcome":
		c.welcomes++
	case json.Unmarshal([]byte(packet[1:]), &[]any{&name, &n, &c.offset}) == nil && (n == c.n+1 || c.n == 0):
		c.n = n
	default:
		c.t.Fatalf("got %s after %d", packet, c.n)
	}
}
