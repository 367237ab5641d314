package socketio_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestSlow sends more to a client that does not read than it has room for, with each
// policy, and looks at what comes when it reads again.
func TestSlow(t *testing.T) {
	const sent = 3000
	for _, c := range []struct {
		name  string
		emit  func(ns *socketio.Namespace, s *socketio.Socket) socketio.Broadcast
		check func(t *testing.T, got []int, stats engineio.SlowStats)
	}{
		{"drop oldest", func(ns *socketio.Namespace, s *socketio.Socket) socketio.Broadcast {
			return ns.To(s.ID()).IfSlow(socketio.DropOldest)
		}, func(t *testing.T, got []int, stats engineio.SlowStats) {
			if got[len(got)-1] != sent || uint64(len(got))+stats.DroppedOldest != sent || stats.DroppedNewest > 0 || stats.DroppedOldest == 0 {
				t.Errorf("%d came, the last is %d; %+v", len(got), got[len(got)-1], stats)
			}
		}},
		{"drop newest, of the namespace", func(ns *socketio.Namespace, s *socketio.Socket) socketio.Broadcast {
			ns.IfSlow(socketio.DropNewest)
			return ns.Local()
		}, func(t *testing.T, got []int, stats engineio.SlowStats) {
			if got[0] != 1 || uint64(len(got))+stats.DroppedNewest != sent || stats.DroppedNewest == 0 {
				t.Errorf("%d came, the last is %d; %+v", len(got), got[len(got)-1], stats)
			}
		}},
		{"keep latest", func(ns *socketio.Namespace, s *socketio.Socket) socketio.Broadcast {
			return ns.Local().KeepLatest("key")
		}, func(t *testing.T, got []int, stats engineio.SlowStats) {
			if got[len(got)-1] != sent || uint64(len(got))+stats.Replaced != sent || stats.DroppedOldest > 0 {
				t.Errorf("%d came, the last is %d; %+v", len(got), got[len(got)-1], stats)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := socketio.Options{Engine: engineio.Options{MaxBuffer: 100_000}}
			t.Run("pipe", func(t *testing.T) {
				bubble(t, opts, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
					c.check(t, slowClient(t, srv, clients, sent, 100, c.emit, synctest.Wait), srv.SlowStats())
				})
			})
			t.Run("TCP", func(t *testing.T) {
				srv, clients := serve(t, opts)
				c.check(t, slowClient(t, srv, clients, sent, 4000, c.emit, func() {}), srv.SlowStats())
			})
		})
	}
}

// slowClient emits count numbers, each with size bytes, to a client that does not
// read, and then an event that wants an acknowledgement. It returns the numbers that
// come when it reads.
func slowClient(t *testing.T, srv *socketio.Server, clients *siotest.Server, count, size int,
	emit func(*socketio.Namespace, *socketio.Socket) socketio.Broadcast, settle func()) (got []int) {
	ns := srv.Of("/")
	sockets := joined(ns)
	c := clients.Open(siotest.Options{Deaf: true})
	if err := c.Send("0"); err != nil {
		t.Fatal(err)
	}
	s := next(t, sockets)
	b := emit(ns, s)
	for n := 1; n <= count; n++ {
		if err := b.Emit("n", n, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			settle()
		}
	}
	asked := make(chan error, 1)
	go func() {
		_, err := s.EmitWithAck(t.Context(), "ask")
		asked <- err
	}()
	settle()
	c.Hear()
	c.Want(fmt.Sprintf(`0{"sid":%q}`, s.ID()))
	for {
		text := c.Text()
		if text == fmt.Sprintf(`2%d["ask"]`, 0) {
			_ = c.Send("30[]")
			if err := next(t, asked); err != nil {
				t.Errorf("question: %v", err)
			}
			return got
		}
		var n int
		if _, err := fmt.Sscanf(text, `51-["n",%d,`, &n); err != nil || len(got) > 0 && n <= got[len(got)-1] {
			t.Fatalf("%q came after %v", text, got)
		}
		c.WantBinary(make([]byte, size))
		got = append(got, n)
	}
}
