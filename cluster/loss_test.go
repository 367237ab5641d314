package cluster_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// mem is a name for what else would hide its own method Node.
type mem = memory.Node

// A lossy network drops the messages that a test wants dropped.
type lossy struct {
	*mem
	mu   sync.Mutex
	drop func(message []byte) bool // guarded by mu; nil is nothing
}

func (l *lossy) Send(to string, message []byte) error {
	l.mu.Lock()
	drop := l.drop != nil && l.drop(message)
	l.mu.Unlock()
	if drop {
		return nil
	}
	return l.mem.Send(to, message)
}

func (l *lossy) set(drop func([]byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop = drop
}

// all drops everything.
func all([]byte) bool { return true }

// A pair are two nodes: a client's handshake goes to the first, all else to the second.
type pair struct {
	owner, front         *node
	fromOwner, fromFront *lossy
}

func newPair(t testing.TB, opts engineio.Options, copts cluster.Options) *pair {
	bus := &memory.Bus{}
	p := &pair{fromOwner: &lossy{mem: bus.Node()}, fromFront: &lossy{mem: bus.Node()}}
	p.owner = start(t, p.fromOwner, opts, copts)
	p.front = start(t, p.fromFront, opts, copts)
	for p.fromFront.Ready() != nil || len(p.fromFront.Nodes()) < 2 {
		time.Sleep(time.Millisecond)
	}
	return p
}

func (p *pair) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("sid") == "" {
		p.owner.engine.ServeHTTP(w, r)
		return
	}
	p.front.engine.ServeHTTP(w, r)
}

// bubble runs a test in which time is not real.
func bubble(t *testing.T, opts engineio.Options, copts cluster.Options, f func(t *testing.T, p *pair, clients *siotest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, opts, copts)
		f(t, p, siotest.Pipe(t, p))
	})
}

// wantClosed waits for the end of the owner's session.
func (p *pair) wantClosed(t *testing.T, want ...engineio.Reason) {
	t.Helper()
	reason := <-p.owner.closed
	for _, r := range want {
		if r == reason {
			return
		}
	}
	t.Errorf("closed because of %q, want %q", reason, want)
}

// TestLost loses single messages between the nodes: the session ends on both
// sides, and nothing is missing in what the client got before.
func TestLost(t *testing.T) {
	for _, way := range []siotest.Options{{Polling: true}, {Upgrade: true}} {
		for _, side := range []string{"owner", "front"} {
			for nth := range 4 {
				t.Run(fmt.Sprintf("polling %v, %d. message of the %s", way.Polling, nth+1, side), func(t *testing.T) {
					bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
						c := clients.Open(way)
						if way.Upgrade {
							if err := c.Upgraded(); err != nil {
								t.Fatal(err)
							}
						}
						synctest.Wait()
						link := p.fromOwner
						if side == "front" {
							link = p.fromFront
						}
						left := nth
						link.set(func(m []byte) bool {
							if m[1] == cluster.KindDelivered {
								return false // nobody misses it here
							}
							left--
							return left == -1
						})
						sent := make(chan struct{})
						go func() {
							defer close(sent)
							for i := 0; c.Send(fmt.Sprint(i)) == nil && i < 1000; i++ {
								time.Sleep(time.Second)
							}
						}()
						for i := 0; ; i++ {
							m, err := c.Read()
							if err != nil {
								break
							}
							if m.Text != fmt.Sprint(i) {
								t.Fatalf("got %q after %d", m.Text, i-1)
							}
							if i == 999 {
								t.Fatal("nothing was noticed")
							}
						}
						p.wantClosed(t, engineio.TransportError, engineio.TransportClose, engineio.PingTimeout)
						c.Close()
						<-sent
					})
				})
			}
		}
	}
}

// TestDead kills the owner while a poll waits, and asks for its sessions then.
func TestDead(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		relayed := clients.Open(siotest.Options{Upgrade: true})
		if err := relayed.Upgraded(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		p.owner.kill()
		if _, err := c.Read(); err == nil {
			t.Error("polling goes on")
		}
		if _, err := relayed.Read(); err == nil {
			t.Error("websocket goes on")
		}
		wantUnknown(t, clients, c.SID)
		if d := time.Since(began); d > 0 {
			t.Errorf("it took %v", d)
		}
	})
}

// TestFrontDead kills the node that a client's poll waits at: the session ends.
func TestFrontDead(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		for _, o := range []siotest.Options{{Polling: true}, {Upgrade: true}} {
			c := clients.Open(o)
			if o.Upgrade {
				if err := c.Upgraded(); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		p.front.kill()
		p.wantClosed(t, engineio.TransportError)
		p.wantClosed(t, engineio.TransportError)
	})
}

// wantUnknown asks for a session that there is not.
func wantUnknown(t *testing.T, clients *siotest.Server, sid string) {
	t.Helper()
	status, body, err := clients.Get("/engine.io/?EIO=4&transport=polling&sid=" + sid)
	if err != nil || status != http.StatusBadRequest {
		t.Fatalf("sid %q: %d %s, %v", sid, status, body, err)
	}
	var answer struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Code != 1 || answer.Message != "Session ID unknown" {
		t.Errorf("sid %q: %s", sid, body)
	}
}

// TestForged asks for sessions that nobody has.
func TestForged(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		for _, sid := range []string{
			"x", "......", p.owner.Prefix(), p.front.Prefix() + "AAAAAAAAAAAAAA", p.owner.Prefix() + "AAAAAAAAAAAAAA",
			"AAAAAAAAAAAAAAAAAAAA", p.owner.Prefix() + strings.Repeat("A", 2000),
		} {
			wantUnknown(t, clients, sid)
		}
	})
}

// TestBusy lets more polls wait than there may be.
func TestBusy(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{MaxRequests: 4}, func(t *testing.T, p *pair, clients *siotest.Server) {
		for range 2 {
			clients.Open(siotest.Options{Polling: true})
		}
		synctest.Wait()
		status, body, err := clients.Get("/engine.io/?EIO=4&transport=polling&sid=" + p.owner.Prefix() + "AAAAAAAAAAAAAA")
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%d %s %v", status, body, err)
		}
	})
}

// TestSilence has the owner's answers get lost for good.
func TestSilence(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		synctest.Wait()
		p.fromOwner.set(all)
		if err := c.Send("hello"); err == nil {
			t.Error("a lost POST was answered")
		}
		p.wantClosed(t, engineio.TransportError, engineio.PingTimeout)
	})
}

// handshake opens a session that nobody polls for, and returns its id.
func handshake(t *testing.T, clients *siotest.Server) string {
	t.Helper()
	status, body, err := clients.Get("/engine.io/?EIO=4&transport=polling")
	if err != nil || status != http.StatusOK {
		t.Fatal(status, body, err)
	}
	_, rest, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	return sid
}

// TestDrain stops the node that a client's polls wait at: the session lives on.
func TestDrain(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		sid := handshake(t, clients)
		answers := make(chan string)
		began := time.Now()
		go func() {
			_, body, _ := clients.Get("/engine.io/?EIO=4&transport=polling&sid=" + sid)
			answers <- body
		}()
		synctest.Wait()
		p.front.Drain()
		if body := <-answers; body != "6" || time.Since(began) > time.Second {
			t.Errorf("got %q after %v", body, time.Since(began))
		}
		if p.owner.engine.Sessions() != 1 {
			t.Error("the session is gone")
		}
	})
}

// TestGarbage sends a node what no node sends.
func TestGarbage(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Upgrade: true})
		if err := c.Upgraded(); err != nil {
			t.Fatal(err)
		}
		for k := range 256 {
			for _, rest := range []string{"", "\x00", "\x00\x00\x00", "\x20\x01\x00", "\x00\x01\x05\x03abc", "\xff\xff\xff\xff\x7f\x01\x01a\x01a\x01a\x01a"} {
				m := append([]byte{1, byte(k)}, rest...)
				if err := p.fromFront.mem.Send(p.owner.Prefix(), m); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		c2 := clients.Open(siotest.Options{Polling: true})
		if err := c2.Send("still here"); err != nil {
			t.Fatal(err)
		}
		c2.Want("still here")
	})
}

// TestLarge sends more than the server takes: it does not reach the other node.
func TestLarge(t *testing.T) {
	bubble(t, engineio.Options{MaxPayload: 1000}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		sid := p.owner.Prefix() + "AAAAAAAAAAAAAA"
		p.fromFront.set(func([]byte) bool { t.Error("it was sent"); return false })
		r, err := http.NewRequest(http.MethodPost, "/engine.io/?EIO=4&transport=polling&sid="+sid, strings.NewReader(strings.Repeat("4", 1001)))
		if err != nil {
			t.Fatal(err)
		}
		w := &answer{header: http.Header{}}
		p.front.engine.ServeHTTP(w, r)
		if w.status != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", w.status)
		}
	})
}

// TestPartsLost loses the end of a body, and that nobody waits any more: what came of
// it takes no room for ever.
func TestPartsLost(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{MaxBytes: 950 << 10}, func(t *testing.T, p *pair, clients *siotest.Server) {
		large := strings.Repeat("x", 900<<10)
		c := clients.Open(siotest.Options{Polling: true})
		p.fromFront.set(func(m []byte) bool { return m[1] != cluster.KindPart })
		if err := c.Send(large); err == nil {
			t.Error("a lost POST was answered")
		}
		<-p.owner.closed
		time.Sleep(time.Minute) // Patience
		p.fromFront.set(nil)
		c = clients.Open(siotest.Options{Polling: true})
		if err := c.Send(large); err != nil {
			t.Error(err)
		}
	})
}

type answer struct {
	header http.Header
	status int
	io.Writer
}

func (a *answer) Header() http.Header  { return a.header }
func (a *answer) WriteHeader(code int) { a.status = code }
