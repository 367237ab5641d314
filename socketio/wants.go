package socketio

// wants is what a namespace tells its adapter of the rooms that have somebody here:
// sockets, or clients that are away and may come back. The namespace's mutex guards
// it.
type wants struct {
	tell  func(room string, own, here bool) // nil on a single node
	count map[string]int                    // of reasons; nil while tell is
}

// add gives a reason to hear what is sent to a room, which is a socket's own if own is
// set.
func (w *wants) add(room string, own bool) {
	if w.tell == nil {
		return
	}
	if w.count[room]++; w.count[room] == 1 {
		w.tell(room, own, true)
	}
}

// remove takes a reason away.
func (w *wants) remove(room string, own bool) {
	if w.tell == nil {
		return
	}
	if w.count[room]--; w.count[room] <= 0 {
		delete(w.count, room)
		w.tell(room, own, false)
	}
}

// hold keeps the rooms of a client that is away.
func (w *wants) hold(l *line) {
	w.add(l.id, true)
	for _, room := range l.rooms() {
		w.add(room, false)
	}
}

// release undoes hold.
func (w *wants) release(l *line) {
	w.remove(l.id, true)
	for _, room := range l.rooms() {
		w.remove(room, false)
	}
}
