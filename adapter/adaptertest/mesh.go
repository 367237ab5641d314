package adaptertest

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// A peer is a node as a user of its [adapter.Mesh].
type peer struct {
	adapter.Mesh
	heard chan letter
}

// A letter is a message that has arrived, or, without a body, that a node has come or
// gone.
type letter struct {
	from  string
	body  []byte
	news  bool
	alive bool
}

// peers are made before the nodes run.
func peers(t *testing.T, nodes []adapter.Adapter) []*peer {
	t.Helper()
	list := make([]*peer, len(nodes))
	for i, node := range nodes {
		m, ok := node.(adapter.Mesh)
		if !ok {
			t.Fatalf("%T is no adapter.Mesh, and the suite does not say that it lacks that", node)
		}
		p := &peer{Mesh: m, heard: make(chan letter, 1<<16)}
		m.Receive(func(from string, message []byte) { p.heard <- letter{from: from, body: message} })
		m.Watch(func(node string, alive bool) { p.heard <- letter{from: node, news: true, alive: alive} })
		list[i] = p
	}
	return list
}

// next returns the next letter with a body, or the next news.
func (p *peer) next(t *testing.T, news bool) letter {
	t.Helper()
	for {
		select {
		case l := <-p.heard:
			if l.news == news {
				return l
			}
		case <-time.After(patience):
			t.Fatalf("no message arrived within %v", patience)
		}
	}
}

func (p *peer) want(t *testing.T, from *peer, body string) {
	t.Helper()
	if got := p.next(t, false); got.from != from.Node() || string(got.body) != body {
		t.Errorf("got %.100q of %s, want %.100q of %s", got.body, got.from, body, from.Node())
	}
}

func (p *peer) send(t *testing.T, to, body string) {
	t.Helper()
	if err := p.Send(to, []byte(body)); err != nil {
		t.Errorf("Send: %v", err)
	}
}

// meet starts the nodes and waits until they know each other.
func meet(t *testing.T, nodes []adapter.Adapter) []*peer {
	t.Helper()
	list := peers(t, nodes)
	Start(t, nodes...)
	waitNodes(t, nodes...)
	return list
}

// waitNodes waits until each node knows these, and no others.
func waitNodes(t *testing.T, nodes ...adapter.Adapter) {
	t.Helper()
	var all []string
	for _, node := range nodes {
		all = append(all, name(node))
	}
	slices.Sort(all)
	for _, node := range nodes {
		Wait(t, "acquainted", func() error {
			if got := node.(adapter.Mesh).Nodes(); !slices.Equal(got, all) {
				return fmt.Errorf("%s knows %q, want %q", name(node), got, all)
			}
			return nil
		})
	}
}

func nodeNames(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	for _, p := range peers(t, nodes) {
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{6}$`).MatchString(p.Node()) {
			t.Errorf("a node's name is %q", p.Node())
		}
		if got := p.Nodes(); !slices.Equal(got, []string{p.Node()}) {
			t.Errorf("before Run, %s knows %q", p.Node(), got)
		}
	}
	Start(t, nodes...)
	waitNodes(t, nodes...)
}

func messagesToOne(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	list := meet(t, nodes)
	a, b, c := list[0], list[1], list[2]
	for _, body := range []string{"", "x", "\x00\xff\r\n", "안녕"} {
		a.send(t, b.Node(), body)
		b.want(t, a, body)
	}
	large := string(bytes.Repeat([]byte{0, 0xff, 'a'}, 1_000_000/3))
	a.send(t, b.Node(), large)
	b.want(t, a, large)
	const n = 1000
	for i := range n {
		a.send(t, []string{b.Node(), c.Node()}[i%2], fmt.Sprint(i))
	}
	for i := range n {
		[]*peer{b, c}[i%2].want(t, a, fmt.Sprint(i))
	}
	b.send(t, a.Node(), "last")
	a.want(t, b, "last") // and nothing that it has sent itself
}

func messagesToAll(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	list := meet(t, nodes)
	const n = 300
	var sending sync.WaitGroup
	for _, p := range list {
		sending.Go(func() {
			for i := range n {
				p.send(t, "", fmt.Sprint(i))
			}
		})
	}
	sending.Wait()
	for _, p := range list {
		next := make(map[string]int)
		for range n * (len(list) - 1) {
			l := p.next(t, false)
			if l.from == p.Node() || string(l.body) != fmt.Sprint(next[l.from]) {
				t.Fatalf("%s got %s of %s, want %d", p.Node(), l.body, l.from, next[l.from])
			}
			next[l.from]++
		}
	}
}

func messagesRefused(t *testing.T, s Suite, nodes []adapter.Adapter) {
	list := peers(t, nodes)
	if err := list[0].Send("", []byte("x")); err == nil {
		t.Error("a node that does not run could send")
	}
	Start(t, nodes...)
	waitNodes(t, nodes...)
	for _, to := range []string{"nobody", "n", "a.b.*>", "안녕", list[0].Node()} {
		if err := list[0].Send(to, []byte("x")); !errors.Is(err, adapter.ErrNode) {
			t.Errorf("Send to %q: %v, want adapter.ErrNode", to, err)
		}
	}
	if s.Oversize > 0 {
		for _, to := range []string{"", list[1].Node()} {
			if err := list[0].Send(to, make([]byte, s.Oversize)); !errors.Is(err, adapter.ErrTooLarge) {
				t.Errorf("Send of %d bytes to %q: %v, want adapter.ErrTooLarge", s.Oversize, to, err)
			}
		}
	}
	list[0].send(t, list[1].Node(), "still")
	list[1].want(t, list[0], "still")
}

// watched looks that nodes come before their first message and go once.
func watched(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	list := peers(t, nodes)
	Launch(t, nodes[:2]...)
	waitNodes(t, nodes[:2]...)
	for round, pair := range [][2]*peer{{list[0], list[1]}, {list[1], list[0]}} {
		if l := pair[0].next(t, true); l.from != pair[1].Node() || !l.alive {
			t.Errorf("round %d: news of %q, alive %v", round, l.from, l.alive)
		}
	}
	stop := LaunchOne(t, nodes[2])
	waitNodes(t, nodes...)
	list[2].send(t, "", "hello")
	for _, p := range list[:2] {
		come, said := <-p.heard, <-p.heard
		if come.from != list[2].Node() || !come.news || !come.alive || said.news || said.from != list[2].Node() {
			t.Errorf("got %+v and then %+v, want that the node has come, and what it says", come, said)
		}
	}
	stop()
	for _, p := range list[:2] {
		if l := <-p.heard; l.from != list[2].Node() || !l.news || l.alive {
			t.Errorf("got %+v, want that the node has gone", l)
		}
		if err := p.Send(list[2].Node(), nil); !errors.Is(err, adapter.ErrNode) {
			t.Errorf("Send to a node that has gone: %v, want adapter.ErrNode", err)
		}
	}
}
