package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// deadWriter is the connection of a client that has just gone.
type deadWriter struct{ answer }

func (*deadWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestGoneBeforeAnswer has a client go while messages for it are on their way: the session
// ends at once, and does not go on without them with the client's next GET.
func TestGoneBeforeAnswer(t *testing.T) {
	for _, when := range []string{"before the front has the answer", "before it has been written"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTrio(t)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.query, nil)
				if err != nil {
					t.Fatal(err)
				}
				go n.nodes[1].engine.ServeHTTP(&deadWriter{answer{header: http.Header{}}}, r)
				synctest.Wait()
				if when == "before the front has the answer" {
					n.links[0].set(all)
				}
				n.say("lost")
				synctest.Wait()
				leave()
				synctest.Wait()
				n.links[0].set(nil)
				if sessions := n.nodes[0].engine.Sessions(); sessions != 0 {
					t.Errorf("%d sessions", sessions)
				}
				if status, body, err := n.clients[1].Get(n.query); status != http.StatusBadRequest {
					t.Errorf("%d %q, %v", status, body, err)
				}
			})
		})
	}
}

// TestManyRepeated has a client ask again and again while an answer is on its way: only the
// last request waits for that.
func TestManyRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTrio(t)
		n.links[1].set(func(m []byte) bool { return m[1] == cluster.KindDelivered })
		n.say("hello")
		if _, body, err := n.clients[1].Get(n.query); body != "4hello" {
			t.Fatalf("%q, %v", body, err)
		}
		bodies := make(chan string)
		for range 10 {
			go func() {
				_, body, _ := n.clients[2].Get(n.query)
				bodies <- body
			}()
		}
		for range 9 {
			if body := <-bodies; body != "6" {
				t.Errorf("got %q", body)
			}
		}
		n.nodes[1].kill()
		<-bodies
	})
}

// TestShare has a node not answer any more: requests that wait for it leave room for those
// of other nodes.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTrioWith(t, cluster.Options{MaxRequests: 40})
		n.links[0].set(all)
		statuses := make(chan int)
		for range 40 {
			go func() {
				status, _, _ := n.clients[2].Get(n.query)
				statuses <- status
			}()
		}
		for range 20 {
			if status := <-statuses; status != http.StatusServiceUnavailable {
				t.Errorf("status %d", status)
			}
		}
		_, body, _ := n.clients[1].Get("/engine.io/?EIO=4&transport=polling")
		_, rest, _ := strings.Cut(body, `"sid":"`)
		sid, _, _ := strings.Cut(rest, `"`)
		began := time.Now()
		status, body, err := n.clients[2].Get("/engine.io/?EIO=4&transport=polling&sid=" + sid) // waits for a ping
		if status != http.StatusOK || body != "2" {
			t.Errorf("%d %q %v after %v", status, body, err, time.Since(began))
		}
		for range 20 {
			<-statuses
		}
	})
}

// TestForeign has nodes of different versions in one cluster: they tell each other, and
// whoever comes with the other one's client is told so at once.
func TestForeign(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		relayed := clients.Open(siotest.Options{Upgrade: true})
		if err := relayed.Upgraded(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		var said []string
		p.fromFront.set(func(m []byte) bool {
			if m[0] == 1 && len(m) == 1 {
				said = append(said, fmt.Sprintf("%x", m))
			}
			return true
		})
		for _, m := range []string{"\x02anything", "\x02"} { // the second one wants no answer
			if err := p.fromOwner.mem.Send(p.front.Prefix(), []byte(m)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Read(); err == nil {
			t.Error("polling goes on")
		}
		if _, err := relayed.Read(); err == nil {
			t.Error("a relayed connection goes on")
		}
		wantUnknown(t, clients, c.SID)
		if fmt.Sprint(said) != "[01]" || time.Since(began) > 0 {
			t.Errorf("the front has said %v, after %v", said, time.Since(began))
		}
	})
}

// An echoing network says what the test lets it say.
type echoing struct {
	*lossy
	unheard func(node string)
}

func (e *echoing) Unheard(f func(node string)) { e.unheard = f }

// TestUnheard has the mesh say that nobody hears the owner's messages: what waits for it
// ends at once.
func TestUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &memory.Bus{}
		fromFront := &echoing{lossy: &lossy{mem: bus.Node()}}
		p := &pair{
			owner: start(t, bus.Node(), engineio.Options{}, cluster.Options{}), front: start(t, fromFront, engineio.Options{}, cluster.Options{}),
		}
		synctest.Wait()
		clients := siotest.Pipe(t, p)
		polling, relayed := clients.Open(siotest.Options{Polling: true}), clients.Open(siotest.Options{Upgrade: true})
		if err := relayed.Upgraded(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fromFront.set(all)
		began := time.Now()
		fromFront.unheard(p.owner.Prefix())
		for _, c := range []*siotest.Client{polling, relayed} {
			if _, err := c.Read(); err == nil || time.Since(began) > 0 {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
	})
}

// TestCutOff loses an answer, and what a relayed connection has to say, while a node is cut
// off. When it hears again, it finds out at once.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &memory.Bus{}
		fromOwner, fromFront := &lossy{mem: bus.Node()}, &echoing{lossy: &lossy{mem: bus.Node()}}
		p := &pair{owner: start(t, fromOwner, engineio.Options{}, cluster.Options{}), front: start(t, fromFront, engineio.Options{}, cluster.Options{})}
		synctest.Wait()
		clients := siotest.Pipe(t, p)
		open := func(o siotest.Options) (*siotest.Client, *engineio.Session) {
			c := clients.Open(o)
			if o.Upgrade {
				if err := c.Upgraded(); err != nil {
					t.Fatal(err)
				}
			}
			return c, <-p.owner.opened
		}
		lost := map[string]*siotest.Client{}
		for name, o := range map[string]siotest.Options{"polling": {Polling: true}, "relayed": {Upgrade: true}} {
			c, session := open(o)
			lost[name] = c
			synctest.Wait()
			fromOwner.set(all)
			session.Send(engineio.NewMessage(append(make([]byte, engineio.Headroom), "lost"...), nil))
			synctest.Wait()
			fromOwner.set(nil)
		}
		polling, _ := open(siotest.Options{Polling: true})
		relayed, _ := open(siotest.Options{Upgrade: true})
		synctest.Wait()
		began := time.Now()
		fromFront.unheard("")
		for name, c := range lost {
			if m, err := c.Read(); err == nil || time.Since(began) > 0 {
				t.Errorf("%s: %q, %v after %v", name, m.Text, err, time.Since(began))
			}
		}
		for _, c := range []*siotest.Client{polling, relayed} {
			if err := c.Send("hello"); err != nil {
				t.Error(err)
			}
			c.Want("hello")
		}
	})
}
