package cluster_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// TestRepeated kills the node that a client's GET waits at, with a proxy in front that
// sends the GET to the next node then, as nginx does: nothing is lost.
func TestRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTrio(t)
		go func() { _, _, _ = n.clients[1].Get(n.query) }()
		synctest.Wait()
		answer := make(chan string)
		go func() {
			_, body, _ := n.clients[2].Get(n.query)
			answer <- body
		}()
		synctest.Wait()
		n.nodes[1].kill()
		synctest.Wait()
		n.say("hello")
		if got := <-answer; got != "4hello" {
			t.Errorf("got %q", got)
		}
	})
}

// TestRepeatedTooLate is the same with messages in the answer that the client never got:
// the session must not go on without them.
func TestRepeatedTooLate(t *testing.T) {
	for repeatAt := range 3 {
		t.Run(fmt.Sprintf("at node %d", repeatAt), func(t *testing.T) {
			if repeatAt == 1 {
				t.Log("a node that lives gives its answers to the client")
			}
			synctest.Test(t, func(t *testing.T) {
				n := newTrio(t)
				n.links[1].set(func(m []byte) bool { return m[1] == cluster.KindDelivered })
				go func() { _, _, _ = n.clients[1].Get(n.query) }()
				synctest.Wait()
				n.say("lost")
				synctest.Wait()
				type reply struct {
					status int
					body   string
				}
				answer := make(chan reply, 1)
				go func() {
					status, body, _ := n.clients[repeatAt].Get(n.query)
					answer <- reply{status, body}
				}()
				synctest.Wait()
				n.say("never")
				synctest.Wait()
				if repeatAt == 1 {
					if got := <-answer; got.body != "4never" {
						t.Errorf("got %+v", got)
					}
					return
				}
				n.nodes[1].kill()
				if got := <-answer; got.status != http.StatusBadRequest {
					t.Errorf("got %+v", got)
				}
				if sessions := n.nodes[0].engine.Sessions(); sessions != 0 {
					t.Errorf("%d sessions", sessions)
				}
			})
		})
	}
}

// TestInTurn has a client ask each node in turn: each GET is answered at once when there is
// something for it.
func TestInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTrio(t)
		for i := range 9 {
			n.say(fmt.Sprint(i))
			if status, body, err := n.clients[i%3].Get(n.query); body != fmt.Sprintf("4%d", i) {
				t.Fatalf("message %d: %d %q, %v", i, status, body, err)
			}
			synctest.Wait()
		}
	})
}

// A trio are three nodes of which the first one has a session.
type trio struct {
	t       *testing.T
	nodes   []*node
	links   []*lossy
	clients []*siotest.Server // of each node
	query   string            // of the session
}

func newTrio(t *testing.T) *trio { return newTrioWith(t, cluster.Options{}) }

func newTrioWith(t *testing.T, opts cluster.Options) *trio {
	bus := &memory.Bus{}
	n := &trio{t: t}
	for range 3 {
		link := &lossy{mem: bus.Node()}
		node := start(t, link, engineio.Options{}, opts)
		n.links, n.nodes = append(n.links, link), append(n.nodes, node)
		n.clients = append(n.clients, siotest.Pipe(t, node.engine))
	}
	synctest.Wait()
	_, body, err := n.clients[0].Get("/engine.io/?EIO=4&transport=polling")
	_, rest, _ := strings.Cut(body, `"sid":"`)
	sid, _, ok := strings.Cut(rest, `"`)
	if err != nil || !ok {
		t.Fatal(body, err)
	}
	n.query = "/engine.io/?EIO=4&transport=polling&sid=" + sid
	return n
}

// say lets the session send something: what the client has sent.
func (n *trio) say(text string) {
	n.t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.query, strings.NewReader("4"+text))
	if err != nil {
		n.t.Fatal(err)
	}
	w := &answer{header: http.Header{}, Writer: &strings.Builder{}}
	n.nodes[0].engine.ServeHTTP(w, r)
	if w.status >= http.StatusBadRequest {
		n.t.Fatalf("POST: %d", w.status)
	}
}
