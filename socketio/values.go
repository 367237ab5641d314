package socketio

// extra is what few sockets have.
type extra struct {
	values []value
	ended  map[*func()]struct{} // to be called when the socket is disconnected
	onces  []*once
	rooms  []string // of a socket that is no member: to be joined, or left at the end
	cause  error    // of the disconnection
}

// A value is one that a middleware keeps with a socket.
type value struct{ key, value any }

// more returns s.extra; mu is held.
func (s *Socket) more() *extra {
	if s.extra == nil {
		s.extra = &extra{}
	}
	return s.extra
}

// SetValue keeps something with the socket under a key, for handlers that come
// later: they find it by Value, and in their context. It is for middleware, which
// lets the key be of a type of its own, as with [context.WithValue]; what the
// application has to keep goes into SetData. key must be comparable.
func (s *Socket) SetValue(key, v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.more()
	for i := range x.values {
		if x.values[i].key == key {
			x.values[i].value = v
			return
		}
	}
	x.values = append(x.values, value{key, v})
}

// Value returns what SetValue was given last for key, or nil.
func (s *Socket) Value(key any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil {
		return nil
	}
	for _, v := range s.extra.values {
		if v.key == key {
			return v.value
		}
	}
	return nil
}

// callEnded calls what waits for the end of the socket; mu is held.
func (s *Socket) callEnded() {
	if s.extra == nil {
		return
	}
	for f := range s.extra.ended {
		s.ns.server.workers.start(*f)
	}
	s.extra.ended = nil
}

// forget drops what is for handlers only that have run.
func (s *Socket) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra != nil {
		s.extra.rooms, s.extra.onces = nil, nil
	}
}
