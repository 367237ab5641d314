// Package members keeps who is in a cluster: which nodes have given a sign of life
// lately. It is a state machine; what carries the signs, and what the time is, it is
// told.
//
// A node gives a sign of life every [Interval] and says goodbye when it stops. One
// that has been silent for [Expiry] is gone. While this node hears nothing at all,
// silence proves nothing: [Set.Deaf] keeps everybody until [Set.Hearing]. Nor does it for
// the time in which this node itself stood still.
package members

import (
	"slices"
	"strings"
	"time"
)

const (
	// Interval is how often a node gives a sign of life.
	Interval = time.Second
	// Expiry is how long a node is believed to live after its last sign.
	Expiry = 3500 * time.Millisecond
	// Max is how many nodes a [Set] holds, this one not counted.
	Max = 4096
	// MaxName is how many bytes of a node's name are kept.
	MaxName = 64
	// IDLen is how many characters the id of a node has.
	IDLen = 6
)

// Letters are the characters of ids.
const Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// A Node is one run of one node. Two runs with the same id are told apart by Instance,
// which is random.
type Node struct {
	ID       string
	Instance uint64
	Name     string // for people; it means nothing
}

// A Change is a node that has come or gone.
type Change struct {
	Node  Node
	Alive bool
}

// A Set is what one node knows of the others. It is not safe for concurrent use.
type Set struct {
	self     Node
	nodes    map[string]*entry // by id
	deaf     bool
	looked   time.Time // when Expire was called last
	collided bool
	refused  uint64
}

// An entry is what is known of a node. One that said goodbye stays for an Expiry, so
// that a sign that was late does not bring it back.
type entry struct {
	node Node
	last time.Time // of its signs of life, or when it said goodbye
	gone bool
}

// New returns the set of a node that has heard of nobody. It is deaf until Hearing.
func New(self Node) *Set {
	return &Set{self: self, nodes: map[string]*entry{}, deaf: true}
}

// Hear takes a sign of life of a node at the time now, and returns what that changes. One
// without a name leaves the node the name that it has.
// Signs of this node itself change nothing.
//
// Of two nodes with the same id the one with the smaller Instance is right: the other
// is not heard as long as that lives, and finds out by [Set.Collided].
func (s *Set) Hear(n Node, now time.Time) []Change {
	if n.ID == s.self.ID {
		s.collided = s.collided || n.Instance < s.self.Instance
		return nil
	}
	n.Name = strings.ToValidUTF8(n.Name[:min(len(n.Name), MaxName)], "")
	e := s.nodes[n.ID]
	switch {
	case e == nil && (!Valid(n.ID) || len(s.nodes) >= Max):
		s.refused++
		return nil
	case e == nil:
		s.nodes[n.ID] = &entry{node: n, last: now}
		return []Change{{n, true}}
	case e.gone && e.node.Instance == n.Instance:
		return nil
	case e.gone:
		*e = entry{node: n, last: now}
		return []Change{{n, true}}
	case e.node.Instance < n.Instance:
		return nil
	}
	was := e.node
	if was.Instance == n.Instance && n.Name == "" {
		n.Name = was.Name
	}
	e.node, e.last = n, now
	if was.Instance == n.Instance {
		return nil
	}
	return []Change{{was, false}, {n, true}}
}

// Bye takes a goodbye, and returns what that changes.
func (s *Set) Bye(n Node, now time.Time) []Change {
	e := s.nodes[n.ID]
	if e == nil || e.gone || e.node.Instance != n.Instance {
		return nil
	}
	e.gone, e.last = true, now
	return []Change{{e.node, false}}
}

// Expire forgets the nodes that were silent for too long at the time now, and returns
// them. It does nothing while this node is deaf. It is called every [Interval]: of a
// much longer time since the last call, only an Interval counts as silence, since what
// the others said while this node stood still may be still to be read.
func (s *Set) Expire(now time.Time) (gone []Change) {
	still := now.Sub(s.looked) - Interval
	if still > Interval && !s.looked.IsZero() {
		for _, e := range s.nodes {
			e.last = earlier(e.last.Add(still), now)
		}
	}
	s.looked = now
	if s.deaf {
		return nil
	}
	for id, e := range s.nodes {
		if now.Sub(e.last) < Expiry {
			continue
		}
		delete(s.nodes, id)
		if !e.gone {
			gone = append(gone, Change{e.node, false})
		}
	}
	slices.SortFunc(gone, func(a, b Change) int { return compare(a.Node, b.Node) })
	return gone
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Deaf says that this node can't hear the others.
func (s *Set) Deaf() { s.deaf = true }

// Hearing says that this node hears the others again at the time now. Each of them has
// a whole Expiry to give a sign. It does nothing if the node was not deaf.
func (s *Set) Hearing(now time.Time) {
	if !s.deaf {
		return
	}
	s.deaf, s.looked = false, now
	for _, e := range s.nodes {
		e.last = now
	}
}

// Alive returns the nodes that live, this one among them, by their ids.
func (s *Set) Alive() []Node {
	alive := make([]Node, 0, len(s.nodes)+1)
	alive = append(alive, s.self)
	for _, e := range s.nodes {
		if !e.gone {
			alive = append(alive, e.node)
		}
	}
	slices.SortFunc(alive, compare)
	return alive
}

// Knows reports whether the node with that id lives, as far as is known.
func (s *Set) Knows(id string) bool {
	e := s.nodes[id]
	return id == s.self.ID || e != nil && !e.gone
}

// Has reports whether that run of a node lives, as far as is known.
func (s *Set) Has(n Node) bool {
	e := s.nodes[n.ID]
	return e != nil && !e.gone && e.node.Instance == n.Instance
}

// Collided reports whether another node was heard that has the id of this one, and is
// right. That does not pass: the node must take another id.
func (s *Set) Collided() bool { return s.collided }

// Refused returns how many signs of life were not believed: the set was full, or they
// had no valid id.
func (s *Set) Refused() uint64 { return s.refused }

func compare(a, b Node) int {
	switch {
	case a.ID < b.ID:
		return -1
	case a.ID > b.ID:
		return 1
	}
	return 0
}

// Valid reports whether id has the form of a node's id.
func Valid(id string) bool {
	if len(id) != IDLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
