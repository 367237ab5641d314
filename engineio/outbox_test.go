package engineio

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
)

// bounded says whether the outbox is within its limit.
func (s *Session) bounded() (size int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outSize, s.outSize >= 0 && s.outSize <= s.srv.opts.MaxBuffer
}

func (s *Session) isBlocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocked
}

// A client that does not read loses its session when MaxBuffer bytes wait for it;
// others get everything.
func TestSlowClient(t *testing.T) {
	bothLinks(t, Options{MaxBuffer: 1 << 20}, func(t *testing.T, s *site) {
		slow, fast := s.websocket("EIO=4"), s.websocket("EIO=4")
		m := text(strings.Repeat("a", 100_000))
		for n := 0; len(slow.closed) == 0; n++ {
			if n > 5000 {
				t.Fatal("half a gigabyte is waiting")
			}
			slow.session.Send(m)
			fast.session.Send(m)
			if size, ok := slow.session.bounded(); !ok {
				t.Fatalf("%d bytes in the outbox", size)
			}
			if got := fast.read(); len(got) != 100_001 {
				t.Fatalf("got %d bytes", len(got))
			}
		}
		if err := slow.wantClosed(t, TransportError); err != ErrSlowClient {
			t.Error(err)
		}
		slow.wantEnd()
		if size, _ := slow.session.bounded(); size != 0 {
			t.Errorf("%d bytes in the outbox of a closed session", size)
		}
	})
}

func TestSlowPollingClient(t *testing.T) {
	s := serve(t, Options{MaxBuffer: 100_000})
	c := s.poll("EIO=4")
	c.session.Send(text(strings.Repeat("a", 99_000)))
	c.session.Send(text("b"))
	if r := c.get(); len(r.body) != 99_001+3 {
		t.Errorf("%d bytes", len(r.body))
	}
	c.session.Send(text(strings.Repeat("a", 200_000))) // alone it may be larger
	if r := c.get(); len(r.body) != 200_001 {
		t.Errorf("%d bytes", len(r.body))
	}
	for range 1000 {
		c.session.Send(text("")) // counts for what it takes
	}
	if err := c.wantClosed(t, TransportError); err != ErrSlowClient {
		t.Error(err)
	}
}

// A client can't make the server keep answers to pings without bound.
func TestPingFlood(t *testing.T) {
	bothLinks(t, Options{MaxBuffer: 100_000}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		pings := slices.Repeat(frame(ws.OpPing, strings.Repeat("p", 125)), 100)
		for len(c.closed) == 0 {
			if _, err := c.conn.Write(pings); err != nil {
				break
			}
			if size, ok := c.session.bounded(); !ok {
				t.Fatalf("%d bytes in the outbox", size)
			}
		}
		if err := c.wantClosed(t, TransportError); err != ErrSlowClient {
			t.Error(err)
		}
	})
}

// What does not go out at once goes out later, byte for byte.
func TestPartialWrites(t *testing.T) {
	bothLinks(t, Options{MaxBuffer: 1 << 30}, func(t *testing.T, s *site) {
		for _, query := range []string{"EIO=4", "EIO=3", "EIO=4&b64=1"} {
			c := s.websocket(query)
			r := rand.New(rand.NewPCG(1, 2))
			sizes := []int{0, 1, 100, 5000, directWrite - 20, directWrite, writeSize, 200_000}
			var want []string
			for n := 0; n < 6_000_000 || !c.session.isBlocked(); {
				size := sizes[r.IntN(len(sizes))]
				data := strconv.Itoa(len(want)) + ":" + strings.Repeat(string(rune('a'+len(want)%26)), size)
				n += size
				if r.IntN(4) == 0 {
					c.session.Send(message("b", []byte(data)))
					want = append(want, "b")
				} else {
					c.session.Send(text(data))
				}
				want = append(want, data)
			}
			for i, data := range want {
				got, prefix := string(c.next().Payload), "4"
				if i > 0 && want[i-1] == "b" {
					prefix = map[string]string{"EIO=4": "", "EIO=3": "\x04", "EIO=4&b64=1": "b"}[query]
					if prefix == "b" {
						p, err := (&wsConn{session: c.session}).decode(false, []byte(got))
						if err != nil {
							t.Fatal(err)
						}
						got = "b" + string(p.Data)
					}
				}
				if got != prefix+data {
					t.Fatalf("%s: message %d: got %.50q, %d bytes, want %.50q, %d bytes", query, i, got, len(got), prefix+data, len(prefix)+len(data))
				}
			}
			if size, _ := c.session.bounded(); size != 0 {
				eventually(t, "empty outbox", func() bool { size, _ := c.session.bounded(); return size == 0 })
			}
			_ = c.conn.Close()
			c.wantClosed(t, TransportClose)
		}
	})
}

// A volatile message is for clients that can take it now.
func TestVolatile(t *testing.T) {
	t.Run("websocket", func(t *testing.T) {
		s := serve(t, Options{MaxBuffer: 1 << 30})
		c := s.websocket("EIO=4")
		c.session.SendVolatile(text("first"))
		c.want("4first")
		n := 0
		for ; !c.session.isBlocked(); n++ {
			c.session.Send(text(strings.Repeat("a", 100_000)))
		}
		c.session.SendVolatile(text("dropped"))
		for range n {
			if got := c.read(); len(got) != 100_001 {
				t.Fatalf("%.50q", got)
			}
		}
		eventually(t, "empty outbox", func() bool { size, _ := c.session.bounded(); return size == 0 && !c.session.isBlocked() })
		c.session.SendVolatile(text("last"))
		c.want("4last")
	})
	t.Run("polling", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		c.session.SendVolatile(text("dropped"))
		get := c.hang()
		c.session.SendVolatile(text("taken"))
		c.want(await(t, get, "GET"), 200, "4taken")
	})
	t.Run("closed", func(t *testing.T) {
		c := serve(t, Options{}).poll("EIO=4")
		c.session.finish(ForcedClose, nil)
		c.session.Send(text("a"))
		c.session.SendVolatile(text("a"))
		if size, _ := c.session.bounded(); size != 0 {
			t.Errorf("%d bytes", size)
		}
	})
}

// However many send at once, what each sends stays in its order.
func TestSendConcurrently(t *testing.T) {
	const senders, messages = 4, 2000
	check := func(t *testing.T, session *Session, next func() []string) {
		var wg sync.WaitGroup
		defer wg.Wait()
		for i := range senders {
			wg.Go(func() {
				var f Fanout
				for n := range messages {
					m := text(fmt.Sprintf("%d %d", i, n))
					if i%2 == 0 {
						session.Send(m)
					} else {
						f.Send(session, m)
						f.Flush()
					}
				}
			})
		}
		var got [senders]int
		for total := 0; total < senders*messages; {
			for _, data := range next() {
				var i, n int
				if _, err := fmt.Sscanf(data, "4%d %d", &i, &n); err != nil || got[i] != n {
					t.Fatalf("got %q, want %d", data, got[i])
				}
				got[i]++
				total++
			}
		}
	}
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		c := s.websocket("EIO=4")
		check(t, c.session, func() []string { return []string{c.read()} })
		p := s.poll("EIO=4")
		check(t, p.session, func() []string { return strings.Split(p.get().body, "\x1e") })
	})
}

// A Fanout brings each message once to each session, in order.
func TestFanout(t *testing.T) {
	s := serve(t, Options{})
	var sockets []*socket
	var polls []*polling
	for i := range 20 {
		sockets = append(sockets, s.websocket([]string{"EIO=4", "EIO=3"}[i%2]))
		polls = append(polls, s.poll("EIO=4"))
	}
	var f Fanout
	for n := range 50 {
		m := text(strconv.Itoa(n))
		for i := range sockets {
			f.Send(sockets[i].session, m)
			f.Send(polls[i].session, m)
			f.SendVolatile(polls[i].session, text("dropped"))
		}
		if n%7 == 0 {
			f.Flush()
		}
	}
	f.Flush()
	f.Flush()
	var want []string
	for n := range 50 {
		want = append(want, "4"+strconv.Itoa(n))
	}
	for _, c := range sockets {
		for _, w := range want {
			c.want(w)
		}
	}
	for _, p := range polls {
		p.want(p.get(), 200, strings.Join(want, "\x1e"))
	}
}

func BenchmarkFanout(b *testing.B) {
	for _, size := range []int{10, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkFanout(b, size) })
	}
}

// benchmarkFanout sends to sessions over TCP, and waits until all have got it.
func benchmarkFanout(b *testing.B, size int) {
	s := serve(b, Options{})
	m := text(strings.Repeat("a", 100))
	length := len(m.in(frames4))
	sessions, got := []*Session{}, make(chan struct{}, size)
	for range size {
		c := s.websocket("EIO=4")
		sessions = append(sessions, c.session)
		go func() {
			buf := make([]byte, length)
			for {
				if _, err := io.ReadFull(c.r, buf); err != nil {
					return // the end of the benchmark
				}
				got <- struct{}{}
			}
		}()
	}
	b.ReportAllocs()
	var f Fanout
	for b.Loop() {
		for _, session := range sessions {
			f.Send(session, m)
		}
		f.Flush()
		for range size {
			<-got
		}
	}
}
