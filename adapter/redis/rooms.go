package redis

import (
	"slices"
	"time"
)

const (
	// linger is how long a room without members stays subscribed at least: users who
	// load a page anew, or move from room to room, cost no commands.
	linger = 2 * time.Second

	// maxFading is how many rooms may linger.
	maxFading = 65_536
)

// A fading is the topic of a room that has lost its last member.
type fading struct {
	n     *namespace
	topic topic
	left  time.Time
}

// Room implements [adapter.Namespace]. What changes while the connection is busy with
// a command goes out with the next one.
func (n *namespace) Room(name string, own, here bool) {
	t, ok := n.a.wire.room(n, name, own)
	if !ok || slices.Contains(n.topics, t) {
		return
	}
	a := n.a
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.namespaces[n.name] != n:
	case here:
		n.rooms[t] = time.Time{}
		a.want(n, t)
	default:
		a.fade(fading{n, t, time.Now()})
	}
}

// fade notes that a room has lost its last member; mu is held.
func (a *Adapter) fade(f fading) {
	if _, known := f.n.rooms[f.topic]; !known {
		return
	}
	f.n.rooms[f.topic] = f.left
	if len(a.fading) >= maxFading {
		a.unwantRoom(f)
		return
	}
	a.fading = append(a.fading, f)
}

// sweep ends the subscriptions of rooms that had no members for long enough.
func (a *Adapter) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	done := 0
	for done < len(a.fading) && now.Sub(a.fading[done].left) >= linger {
		a.unwantRoom(a.fading[done])
		done++
	}
	if a.fading = slices.Delete(a.fading, 0, done); len(a.fading) == 0 {
		a.fading = nil // its memory may be large
	}
}

// unwantRoom ends a subscription, unless the room has members again; mu is held.
func (a *Adapter) unwantRoom(f fading) {
	if left, known := f.n.rooms[f.topic]; !known || !left.Equal(f.left) {
		return
	}
	delete(f.n.rooms, f.topic)
	a.unwant(f.n, f.topic)
}
