package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

// MaxMessage is how many bytes a message of [Adapter.Send] may have.
const MaxMessage = 4 << 20

// A mesh is what this node knows of the other Damso nodes.
type mesh struct {
	// Set before Run, then never written.
	self    members.Node
	prefix  string // of its channels, and the channel of letters to all
	receive func(from string, message []byte)
	watch   []func(node string, alive bool)
	unheard func(node string) // nil if nobody wants to know

	// telling is held while functions of the user are called, so that they are called
	// one at a time and in the order of what happened. It is taken before mu.
	telling  sync.Mutex
	counting atomic.Bool // who listens is being counted
	mu       sync.Mutex
	set      *members.Set // guarded by mu
	gone     []ghost      // nodes that are gone, the oldest first; guarded by mu
}

func newMesh(self members.Node, prefix string) *mesh {
	return &mesh{self: self, prefix: prefix + "-damso#", set: members.New(self)}
}

// channel returns the channel of letters to a node, "" for those to all.
func (m *mesh) channel(to string) string {
	if to == "" {
		return m.prefix
	}
	return m.prefix + to + "#"
}

// topics returns what a node listens to.
func (m *mesh) topics() []topic {
	return []topic{{byChannel, m.channel("")}, {byChannel, m.channel(m.self.ID)}}
}

// mine reports whether a channel is one of those. Of topics that are not wanted any
// more, messages may still arrive.
func (m *mesh) mine(channel string) bool {
	return strings.HasPrefix(channel, m.prefix)
}

// mail returns a letter of this node.
func (m *mesh) mail(to string, kind letterKind, body []byte) item {
	letter := appendLetter(make([]byte, 0, letterHead+len(body)), kind, m.self, body)
	return item{mail: &mail{to: to, channel: m.channel(to), letter: letter, urgent: kind != letterMessage}}
}

// knows reports whether the node with that id is alive, as far as is known.
func (m *mesh) knows(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set.Knows(id)
}

// forget forgets all other nodes.
func (m *mesh) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set = members.New(m.self)
}

// A ghost is a node that is gone. When its machine has lost its power or its network, Redis
// does not know that for minutes, and takes it for a subscriber as before.
type ghost struct {
	id    string
	since time.Time
}

const (
	haunts    = time.Hour // how long a ghost is remembered: longer than Redis takes for its connections
	maxGhosts = 256       // how many are
)

// bury notes that a node is gone. raise notes that it is not.
func (m *mesh) bury(id string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = append(m.gone, ghost{id, now})
	m.gone = slices.Delete(m.gone, 0, max(len(m.gone)-maxGhosts, 0))
}

func (m *mesh) raise(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = slices.DeleteFunc(m.gone, func(g ghost) bool { return g.id == id })
}

// ghosts returns the ids of the nodes that are gone.
func (m *mesh) ghosts(now time.Time) (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = slices.DeleteFunc(m.gone, func(g ghost) bool { return now.Sub(g.since) > haunts })
	for _, g := range m.gone {
		ids = append(ids, g.id)
	}
	return ids
}

// collided reports whether another node has the id of this one, and is right.
func (m *mesh) collided() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set.Collided()
}

// errCollided does not pass.
var errCollided = errors.New("redis: another node has the id of this one: start it anew")

// with calls f with the set.
func (m *mesh) with(f func(s *members.Set) []members.Change) []members.Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f(m.set)
}

// Node implements [adapter.Mesh].
func (a *Adapter) Node() string { return a.mesh.self.ID }

// Nodes implements [adapter.Mesh].
func (a *Adapter) Nodes() []string {
	nodes := a.Members()
	ids := make([]string, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
	}
	return ids
}

// Members returns the Damso nodes that are alive, this one among them, sorted by their
// ids: [Adapter.Nodes] with their names.
func (a *Adapter) Members() []members.Node {
	a.mesh.mu.Lock()
	defer a.mesh.mu.Unlock()
	return a.mesh.set.Alive()
}

// Receive implements [adapter.Mesh].
func (a *Adapter) Receive(f func(from string, message []byte)) { a.mesh.receive = f }

// Watch implements [adapter.Mesh]. While this node has no connection, nobody goes.
func (a *Adapter) Watch(f func(node string, alive bool)) { a.mesh.watch = append(a.mesh.watch, f) }

// Send implements [adapter.Mesh]. It returns [ErrUnavailable], [ErrQueueFull],
// [adapter.ErrNode] or, over [MaxMessage], [adapter.ErrTooLarge].
func (a *Adapter) Send(to string, message []byte) error {
	if len(message) > MaxMessage {
		return fmt.Errorf("redis: send %d bytes: %w", len(message), adapter.ErrTooLarge)
	}
	if to != "" && (to == a.mesh.self.ID || !a.mesh.knows(to)) {
		return fmt.Errorf("redis: send to %q: %w", to, adapter.ErrNode)
	}
	err := a.queue.put(a.mesh.mail(to, letterMessage, message))
	if err != nil {
		a.counts.dropped.Add(1)
	}
	return err
}

// hear takes what has arrived on a channel of the mesh. It reports whether that was a
// sign of life of this node itself.
func (a *Adapter) hear(b []byte, now time.Time) (own bool) {
	l, err := readLetter(b)
	if err != nil {
		a.counts.undecodable.Add(1)
		return false
	}
	if self := a.mesh.self; l.from.ID == self.ID && l.from.Instance == self.Instance {
		return l.kind == letterBeat
	}
	m := a.mesh
	m.telling.Lock()
	defer m.telling.Unlock()
	if l.kind == letterBye {
		a.tell(m.with(func(s *members.Set) []members.Change { return s.Bye(l.from, now) }))
		return false
	}
	if l.kind == letterBeat {
		l.from.Name = string(l.body)
	}
	var known, believed bool
	a.tell(m.with(func(s *members.Set) []members.Change {
		known = s.Has(l.from)
		changes := s.Hear(l.from, now)
		believed = s.Has(l.from)
		return changes
	}))
	if believed && !known {
		// It need not wait for the next beat to learn of this node.
		_ = a.queue.put(m.mail(l.from.ID, letterBeat, []byte(m.self.Name)))
	}
	if l.kind == letterMessage && believed && m.receive != nil {
		m.receive(l.from.ID, l.body)
	}
	return false
}

// expire looks for nodes that are silent. hearing says whether this node hears at all.
func (a *Adapter) expire(now time.Time, hearing bool) {
	m := a.mesh
	m.telling.Lock()
	defer m.telling.Unlock()
	a.tell(m.with(func(s *members.Set) []members.Change {
		if !hearing {
			s.Deaf()
			return nil
		}
		s.Hearing(now)
		return s.Expire(now)
	}))
}

// tell passes on who has come and gone. Nobody waits for the answers of those who have.
// m.telling is held.
func (a *Adapter) tell(changes []members.Change) {
	for _, c := range changes {
		what := "redis: a node has come"
		a.mesh.raise(c.Node.ID)
		if !c.Alive {
			what = "redis: a node has gone"
			a.mesh.bury(c.Node.ID, time.Now())
			a.eachNamespace(func(n *namespace) {
				n.queries.Each(func(q *adapter.Query) { q.Lost(c.Node.ID) })
			})
		}
		a.log.Info(what, slog.String("id", c.Node.ID), slog.String("name", c.Node.Name))
		for _, f := range a.mesh.watch {
			f(c.Node.ID, c.Alive)
		}
	}
}
