package cluster_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// TestPatience has a session let its client wait for the answer to a POST, longer than
// answers take otherwise.
func TestPatience(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		session := <-p.owner.opened
		session.Pause()
		time.AfterFunc(20*time.Second, session.Resume)
		began := time.Now()
		if err := c.Send("hello"); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d < 20*time.Second {
			t.Errorf("answered after %v", d)
		}
		c.Want("hello")
	})
}

// TestMessages counts the messages between nodes: two for a request, and one more for an
// answer with messages for the client.
func TestMessages(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		<-p.owner.opened
		time.Sleep(time.Second)
		var fromOwner, fromFront atomic.Int32
		p.fromOwner.set(func([]byte) bool { fromOwner.Add(1); return false })
		p.fromFront.set(func([]byte) bool { fromFront.Add(1); return false })
		if err := c.Send("hello"); err != nil {
			t.Fatal(err)
		}
		c.Want("hello")
		time.Sleep(time.Second)
		// The owner answers the POST, and the GET that waited; the front has sent the
		// POST, that the message is delivered, and the next GET.
		if o, f := fromOwner.Load(), fromFront.Load(); o != 2 || f != 3 {
			t.Errorf("%d messages of the owner, %d of the front", o, f)
		}
	})
}

// TestShared has a broadcast to many relayed connections travel once.
func TestShared(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		var all []*siotest.Client
		var sessions []*engineio.Session
		for range 50 {
			c := clients.Open(siotest.Options{Upgrade: true})
			if err := c.Upgraded(); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
			sessions = append(sessions, <-p.owner.opened)
		}
		time.Sleep(time.Second)
		var bytes, messages atomic.Int32
		p.fromOwner.set(func(m []byte) bool { bytes.Add(int32(len(m))); messages.Add(1); return false })
		text := make([]byte, 1000)
		for i := range text {
			text[i] = 'x'
		}
		m := engineio.NewMessage(append(make([]byte, engineio.Headroom), text...), nil)
		var f engineio.Fanout
		for _, s := range sessions {
			f.Send(s, m)
		}
		f.Flush()
		for _, c := range all {
			c.Want(string(text))
		}
		if b := bytes.Load(); b > 50*1000/2 {
			t.Errorf("%d bytes in %d messages for 50 times 1000 bytes", b, messages.Load())
		}
		t.Logf("%d bytes in %d messages", bytes.Load(), messages.Load())
	})
}
