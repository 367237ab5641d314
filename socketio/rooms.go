package socketio

import "slices"

// A membership is who is in which room of a namespace, on this node. A socket is
// always in the room of its own id, which is not kept as a room. The namespace's
// mutex guards all of it, and the parts of a Socket that belong to it.
type membership struct {
	byID  map[string]*Socket
	all   *room
	rooms map[string]*room // never empty ones
	epoch uint64           // of the last selection that had to mark sockets
	watch func(RoomEvent)  // is told what happens to rooms; may be nil
	wants wants
}

// A room is a set of sockets, in no particular order.
type room struct {
	name    string
	sockets []*Socket
}

// A place is where in a room a socket is.
type place struct {
	room  *room
	index int
}

func newMembership() membership {
	return membership{byID: map[string]*Socket{}, all: &room{}, rooms: map[string]*room{}}
}

func (m *membership) add(s *Socket) {
	m.byID[s.id] = s
	m.wants.add(s.id, true)
	m.enter(s, m.all)
}

// remove takes s out of everything.
func (m *membership) remove(s *Socket) {
	if m.byID[s.id] != s {
		return
	}
	delete(m.byID, s.id)
	m.wants.remove(s.id, true)
	for len(s.places) > 0 {
		m.exit(s, len(s.places)-1)
	}
	s.places = nil
}

// join puts s into the room called name.
func (m *membership) join(s *Socket, name string) {
	if name == s.id || m.byID[s.id] != s {
		return
	}
	r := m.rooms[name]
	if r == nil {
		r = &room{name: name}
		m.rooms[name] = r
		m.wants.add(name, false)
		m.tell(RoomCreated, r, nil)
	}
	if s.placeIn(r) < 0 {
		m.enter(s, r)
		m.tell(RoomJoined, r, s)
	}
}

func (m *membership) leave(s *Socket, name string) {
	if r := m.rooms[name]; r != nil {
		if i := s.placeIn(r); i >= 0 {
			m.exit(s, i)
		}
	}
}

func (m *membership) enter(s *Socket, r *room) {
	if s.line != nil && r != m.all {
		s.line.enter(r.name, s.ns.history.position(), s.ns.history.seen)
		s.ns.history.changed(s.line)
	}
	s.places = append(s.places, place{r, len(r.sockets)})
	r.sockets = append(r.sockets, s)
}

// exit takes s out of the room of its i-th place. The room's last socket moves
// into the gap.
func (m *membership) exit(s *Socket, i int) {
	p := s.places[i]
	if s.line != nil && s.line.socket == s {
		s.line.exit(p.room.name, s.ns.history.position(), s.ns.history.seen)
		s.ns.history.changed(s.line)
	}
	s.places = slices.Delete(s.places, i, i+1)
	r, last := p.room, len(p.room.sockets)-1
	if moved := r.sockets[last]; p.index != last {
		r.sockets[p.index] = moved
		moved.places[moved.placeIn(r)].index = p.index
	}
	r.sockets[last] = nil
	r.sockets = r.sockets[:last]
	if r == m.all {
		return
	}
	m.tell(RoomLeft, r, s)
	if last == 0 {
		delete(m.rooms, r.name)
		m.wants.remove(r.name, false)
		m.tell(RoomDeleted, r, nil)
	}
}

// placeIn returns the index in s.places of its place in r, or -1.
func (s *Socket) placeIn(r *room) int {
	for i := range s.places {
		if s.places[i].room == r {
			return i
		}
	}
	return -1
}

// roomsOf returns the names of the rooms that s is in, its own id first.
func (m *membership) roomsOf(s *Socket) []string {
	if m.byID[s.id] != s {
		return nil
	}
	names := []string{s.id}
	for _, p := range s.places {
		if p.room != m.all {
			names = append(names, p.room.name)
		}
	}
	return names
}

// selectsNone says that no socket here is in any of rooms.
func (m *membership) selectsNone(rooms []string) bool {
	if len(rooms) == 0 {
		return len(m.all.sockets) == 0
	}
	for _, name := range rooms {
		if m.rooms[name] != nil || m.byID[name] != nil {
			return false
		}
	}
	return true
}

// each calls f once for each socket that is in one of rooms, or in the namespace
// if there are none, and in none of except.
func (m *membership) each(rooms, except []string, f func(*Socket)) {
	if len(except) == 0 && len(rooms) <= 1 { // nobody can be met twice
		m.in(rooms, f)
		return
	}
	m.epoch++
	mark := func(s *Socket) { s.epoch = m.epoch }
	if len(except) > 0 {
		m.in(except, mark)
	}
	m.in(rooms, func(s *Socket) {
		if s.epoch != m.epoch {
			mark(s)
			f(s)
		}
	})
}

// in calls f for each socket in each of rooms, or in the namespace if there are
// none.
func (m *membership) in(rooms []string, f func(*Socket)) {
	if len(rooms) == 0 {
		for _, s := range m.all.sockets {
			f(s)
		}
		return
	}
	for _, name := range rooms {
		if r := m.rooms[name]; r != nil {
			for _, s := range r.sockets {
				f(s)
			}
		}
		if s := m.byID[name]; s != nil {
			f(s)
		}
	}
}

// joinEarly keeps rooms for a socket that is not let in yet, and returns false for
// any other. ns.mu is held.
func (s *Socket) joinEarly(rooms []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connecting {
		return false
	}
	for _, room := range rooms {
		if early := &s.more().rooms; !slices.Contains(*early, room) {
			*early = append(*early, room)
		}
	}
	return true
}

// leaveEarly undoes joinEarly for a room.
func (s *Socket) leaveEarly(room string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connecting {
		return false
	}
	if s.extra != nil {
		s.extra.rooms = slices.DeleteFunc(s.extra.rooms, func(r string) bool { return r == room })
	}
	return true
}

// takeEarly returns the rooms that joinEarly has kept, and forgets them.
func (s *Socket) takeEarly() (rooms []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra != nil {
		rooms, s.extra.rooms = s.extra.rooms, nil
	}
	return rooms
}
