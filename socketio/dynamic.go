package socketio

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
)

// OfPattern makes namespaces for the names that match, as clients ask for them:
// "^/room-[0-9]+$". A pattern without ^ and $ matches anywhere in the name.
//
// The namespace that is returned is their parent. Nobody joins it. What is
// registered with it is registered with all its children, also those there are
// already; what is sent to it goes to all its children on this node, and from each
// on to the same child on the other nodes. A namespace of its own name ([Server.Of])
// goes before a parent, and parents go in the order in which they were made.
//
// Handlers reach the child by [Socket.Namespace]. See [Options.MaxDynamicNamespaces]
// and [Options.CleanupEmptyChildNamespaces].
func (s *Server) OfPattern(pattern *regexp.Regexp) *Namespace {
	return s.addParent(pattern.String(), pattern, func(name string, _ json.RawMessage) bool {
		return pattern.MatchString(name)
	})
}

// OfFunc is OfPattern with a function that says whether there is a namespace of that
// name; auth is what the client sent to join it, nil if nothing. It is called where
// clients are read from, by several goroutines at a time, and must not wait for
// anything: what takes longer is the business of a middleware.
func (s *Server) OfFunc(accept func(name string, auth json.RawMessage) bool) *Namespace {
	return s.addParent("", nil, accept)
}

// family is what makes a namespace a parent, or a child.
type family struct {
	// Set once.
	parent  *Namespace // of a child
	pattern *regexp.Regexp
	accept  func(name string, auth json.RawMessage) bool // of a parent

	// Guarded by server.mu.
	children []*Namespace
	users    int // of a child: sockets, from the wish to join until their handlers are done
}

func (s *Server) addParent(name string, pattern *regexp.Regexp, accept func(string, json.RawMessage) bool) *Namespace {
	ns := &Namespace{server: s, name: name, members: newMembership()}
	ns.pattern, ns.accept = pattern, accept
	ns.inbox.ns = ns
	ns.handlers.Store(&handlers{})
	ns.registerHere(func(*handlers) {}) // for dispatch
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parents = append(s.parents, ns)
	return ns
}

var errTooMany = errors.New("Too many namespaces")

// enter returns the namespace that a client wants to join, which stays until exit is
// called.
func (s *Server) enter(name string, auth json.RawMessage) (*Namespace, error) {
	if ns := s.namespace(name); ns != nil && ns.parent == nil {
		return ns, nil
	}
	s.mu.RLock()
	parents := s.parents
	s.mu.RUnlock()
	i := slices.IndexFunc(parents, func(p *Namespace) bool { return p.accept(name, auth) })
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.namespaces[name]
	switch {
	case ns != nil && ns.parent == nil:
		return ns, nil
	case i < 0:
		return nil, errInvalidNamespace
	case ns == nil && s.dynamic >= s.opts.MaxDynamicNamespaces:
		return nil, errTooMany
	case ns == nil:
		ns = parents[i].child(name)
	}
	ns.users++
	return ns, nil
}

// exit undoes enter. The last one closes the door.
func (ns *Namespace) exit() {
	s := ns.server
	if ns.parent == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ns.users--
	if ns.users > 0 || !s.opts.CleanupEmptyChildNamespaces {
		return
	}
	s.dynamic--
	delete(s.namespaces, ns.name)
	p := ns.parent
	if i := slices.Index(p.children, ns); i >= 0 {
		p.children = slices.Delete(slices.Clone(p.children), i, i+1)
	}
	if ns.history != nil {
		ns.history.close()
	}
	if ns.stream != nil {
		ns.stream.close()
	}
	if ns.cluster != nil {
		ns.cluster.Close()
	}
}

// child makes a child of ns; server.mu is held.
func (ns *Namespace) child(name string) *Namespace {
	s := ns.server
	c := newNamespace(s, name)
	c.parent = ns
	c.inherit(ns.handlers.Load())
	s.namespaces[name] = c
	s.dynamic++
	ns.children = append(slices.Clip(ns.children), c)
	return c
}

// inherit takes over the parent's handlers.
func (ns *Namespace) inherit(h *handlers) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.use(h)
}

// register changes the handlers of the namespace and of all its children.
func (ns *Namespace) register(change func(*handlers)) {
	if ns.accept == nil {
		ns.registerHere(change)
		return
	}
	ns.server.mu.Lock() // no child may be made meanwhile
	defer ns.server.mu.Unlock()
	ns.registerHere(change)
	for _, c := range ns.children {
		c.registerHere(change)
	}
}

// ofParent returns a child of the first pattern that matches, which stays for ever,
// or nil; mu is held.
func (s *Server) ofParent(name string) *Namespace {
	for _, p := range s.parents {
		if p.pattern != nil && p.pattern.MatchString(name) {
			c := p.child(name)
			c.users++
			return c
		}
	}
	return nil
}

// each calls f with b for each namespace that it goes to: its own, or the children of
// a parent.
func (b Broadcast) each(f func(Broadcast) error) (err error) {
	if b.ns.accept == nil {
		return f(b)
	}
	b.ns.server.mu.RLock()
	children := b.ns.children
	b.ns.server.mu.RUnlock()
	for _, c := range children {
		b.ns = c
		err = errors.Join(err, f(b))
	}
	return err
}
