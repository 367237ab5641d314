package nats

import (
	"sync"
	"time"

	"github.com/damso/damso/adapter/members"
)

// A peers is what a node knows of the others: who lives, and what namespaces they have
// open. It is safe for concurrent use.
type peers struct {
	self members.Node // set once

	mu    sync.Mutex
	set   *members.Set     // guarded by mu
	lists map[string]*list // by the node's id; guarded by mu
}

// A list is what namespaces a run of a node has open.
type list struct {
	instance, version uint64
	spaces            map[space]struct{}
}

func newPeers(self members.Node) *peers {
	p := &peers{self: self}
	p.reset()
	return p
}

// reset forgets all.
func (p *peers) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = members.New(p.self)
	p.lists = map[string]*list{}
}

// hear takes any frame as a sign of life, and returns what that changes.
func (p *peers) hear(from members.Node, now time.Time) []members.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forget(p.set.Hear(from, now))
}

func (p *peers) bye(from members.Node, now time.Time) []members.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forget(p.set.Bye(from, now))
}

func (p *peers) expire(now time.Time) []members.Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forget(p.set.Expire(now))
}

// forget drops the lists of nodes that have gone; mu is held.
func (p *peers) forget(changes []members.Change) []members.Change {
	for _, c := range changes {
		if !c.Alive {
			delete(p.lists, c.Node.ID)
		}
	}
	return changes
}

// learn takes the list of a sign. It returns the namespaces that the node has open no
// more, and whether its list is not known: the sign had none, and it has changed.
func (p *peers) learn(f *frame) (closed []space, unknown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.set.Knows(f.from.ID) || f.from.ID == p.self.ID {
		return nil, false
	}
	known := p.lists[f.from.ID]
	if known != nil && known.instance == f.from.Instance && known.version >= f.version {
		return nil, false
	}
	if !f.listed {
		return nil, true
	}
	open := make(map[space]struct{}, len(f.spaces))
	for _, s := range f.spaces {
		open[s] = struct{}{}
	}
	if known != nil {
		for s := range known.spaces {
			if _, ok := open[s]; !ok {
				closed = append(closed, s)
			}
		}
	}
	p.lists[f.from.ID] = &list{f.from.Instance, f.version, open}
	return closed, false
}

// with returns the ids of the other nodes that have a namespace open.
func (p *peers) with(s space) (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, l := range p.lists {
		if _, ok := l.spaces[s]; ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// alive returns the ids of the nodes that live, sorted.
func (p *peers) alive() (ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.set.Alive() {
		ids = append(ids, n.ID)
	}
	return ids
}

// other reports whether id is that of another node that lives.
func (p *peers) other(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return id != p.self.ID && p.set.Knows(id)
}

// setHearing says that this node hears the others from now on, or that it does not.
func (p *peers) setHearing(hearing bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hearing {
		p.set.Hearing(now)
		return
	}
	p.set.Deaf()
}

func (p *peers) collided() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set.Collided()
}
