package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/damso/damso/adapter"
)

// A log is what is kept of a namespace, for all nodes. The bus's mutex guards it.
type log struct {
	n        uint64           // of the last event
	rooms    map[string]*tail // events by the room that they were sent to, "" for all
	sessions map[string]*record
}

// A tail is the last events of a room.
type tail struct {
	events []*adapter.Operation
	cut    uint64 // the last that is not kept any more
}

// A record is a session that is kept.
type record struct {
	owner   string
	session *adapter.Session // nil if it was ended
	expires time.Time
}

// kept is a namespace with a log.
type kept struct {
	*namespace
	keep  adapter.Keep
	local adapter.KeptLocal
}

var (
	_ adapter.Keeper = (*Node)(nil)
	_ adapter.Kept   = (*kept)(nil)
)

// OpenKept implements [adapter.Keeper].
func (n *Node) OpenKept(nsp string, local adapter.KeptLocal, keep adapter.Keep) (adapter.Kept, error) {
	opened, err := n.open(nsp, local)
	if err != nil {
		return nil, err
	}
	return &kept{opened, keep, local}, nil
}

// log returns that of the namespace; bus.mu is held.
func (b *Bus) log(nsp string) *log {
	l := b.logs[nsp]
	if l == nil {
		l = &log{rooms: map[string]*tail{}, sessions: map[string]*record{}}
		if b.logs == nil {
			b.logs = map[string]*log{}
		}
		b.logs[nsp] = l
	}
	return l
}

// add gives op its number and keeps it; bus.mu is held.
func (l *log) add(node string, op *adapter.Operation, limit int) *adapter.Operation {
	l.n++
	numbered := *op
	numbered.Logged.Node, numbered.Logged.N = node, l.n
	rooms := op.Rooms
	if len(rooms) == 0 {
		rooms = []string{""}
	}
	for _, room := range rooms {
		t := l.rooms[room]
		if t == nil {
			t = &tail{}
			l.rooms[room] = t
		}
		t.events = append(t.events, &numbered)
		if len(t.events) > limit {
			t.cut = t.events[0].Logged.N
			t.events = t.events[1:]
		}
	}
	return &numbered
}

// Publish implements [adapter.Namespace].
func (k *kept) Publish(op *adapter.Operation) error {
	if op.Kind != adapter.Broadcast || op.Logged.Own == 0 {
		return k.namespace.Publish(op)
	}
	b := k.node.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := k.usable(); err != nil {
		return err
	}
	return b.queue(k.namespace, b.log(k.name).add(k.node.id, op, k.keep.MaxEvents))
}

// Keep implements [adapter.Kept].
func (k *kept) Keep(pid string, s adapter.Source) {
	k.node.queue(func() {
		if session := s.Session(); session != nil && !k.write(pid, session) {
			s.Lost()
		}
	})
}

// End implements [adapter.Kept].
func (k *kept) End(pid string) { k.write(pid, nil) }

// write keeps a session, or its end if it is nil. It returns false if it is another
// node's.
func (k *kept) write(pid string, session *adapter.Session) bool {
	b := k.node.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	sessions := b.log(k.name).sessions
	before := sessions[pid]
	if k.usable() != nil || before != nil && before.live() && (before.owner != k.node.id || before.session == nil) {
		return k.usable() != nil
	}
	life := k.keep.Life
	if session != nil {
		life = session.Keep
	}
	sessions[pid] = &record{k.node.id, session, time.Now().Add(life)}
	maps.DeleteFunc(sessions, func(_ string, r *record) bool { return !r.live() })
	return true
}

func (r *record) live() bool { return time.Now().Before(r.expires) }

// Claim implements [adapter.Kept].
func (k *kept) Claim(_ context.Context, pid string) (s *adapter.Session, from string, err error) {
	b := k.node.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := k.usable(); err != nil {
		return nil, "", err
	}
	switch r := b.log(k.name).sessions[pid]; {
	case r == nil || !r.live():
		return nil, "", adapter.ErrNoSession
	case r.session == nil:
		return nil, "", adapter.ErrSessionEnded
	default:
		from, r.owner = r.owner, k.node.id
		if node := b.nodes[from]; node != nil && from != k.node.id {
			node.notify(func() { node.moved(k.name, pid) })
		}
		session := *r.session
		session.Stays = slices.Clone(session.Stays)
		return &session, from, nil
	}
}

// moved tells the namespace that a session is another node's.
func (n *Node) moved(nsp, pid string) {
	if here := n.opened(nsp); here != nil {
		if local, ok := here.local.(adapter.KeptLocal); ok {
			local.Moved(pid)
		}
	}
}

// Missed implements [adapter.Kept].
func (k *kept) Missed(_ context.Context, m adapter.Missed) (adapter.Log, error) {
	b := k.node.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := k.usable(); err != nil {
		return adapter.Log{}, err
	}
	l := b.log(k.name)
	r := l.sessions[m.PID]
	if r == nil || !r.live() || r.owner != k.node.id || r.session == nil {
		return adapter.Log{}, adapter.ErrNoSession
	}
	session := *r.session
	session.Base = adapter.Place{Node: k.node.id, Own: m.Own, Seen: l.n}
	r.session = &session
	found, size := map[uint64]*adapter.Operation{}, 0
	for room, after := range m.After {
		t := l.rooms[room]
		if t == nil {
			continue
		}
		if t.cut > after {
			return adapter.Log{}, fmt.Errorf("memory: events of a room: %w", adapter.ErrTrimmed)
		}
		for _, op := range t.events {
			if op.Logged.N > after && found[op.Logged.N] == nil {
				found[op.Logged.N] = op
				size += len(op.Event.Data)
			}
		}
	}
	if len(found) > m.MaxEvents || size > m.MaxBytes {
		return adapter.Log{}, fmt.Errorf("memory: %d events: %w", len(found), adapter.ErrTrimmed)
	}
	events := slices.SortedFunc(maps.Values(found), func(a, b *adapter.Operation) int { return cmp.Compare(a.Logged.N, b.Logged.N) })
	return adapter.Log{Events: events, N: l.n}, nil
}
