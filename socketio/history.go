package socketio

import (
	"container/list"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// A history is what a namespace keeps for clients that come back: its last events,
// each once, and a line for each client. Events have positions: 1, 2, 3 and so on.
// The mutex of the namespace guards it.
type history struct {
	// Set once.
	ns    *Namespace
	opts  Recovery
	began time.Time
	life  time.Duration // how long an event is kept
	limit int           // bytes of events that one client is sent on coming back

	events []logged
	head   int    // the first in events that is still there
	first  uint64 // its position
	bytes  int
	lines  map[string]*line // by pid
	away   list.List        // those without a socket, by the time they left
	timer  *time.Timer      // nil unless there is something to forget
	due    time.Duration    // when it fires, at the latest a second after that
	closed bool

	shared
}

// A logged is an event that was sent.
type logged struct {
	message       *engineio.Message
	rooms, except []string
	at            time.Duration
	asked         *asked // nil for what wants no acknowledgement
	n             uint64 // its number in the log of the cluster; 0 if it has none
	shared        bool   // the other nodes get it from this one
}

// loggedOverhead is about what a logged event takes besides its message.
const loggedOverhead = 128

func newHistory(ns *Namespace) *history {
	engine := ns.server.opts.Engine
	h := &history{
		ns: ns, opts: ns.server.opts.Recovery.withDefaults(), began: time.Now(),
		first: 1, lines: map[string]*line{}, limit: 2 << 20,
	}
	if engine.MaxBuffer > 0 {
		h.limit = engine.MaxBuffer / 2
	}
	// A client may have been gone for that long before it is noticed.
	h.life = h.opts.MaxDisconnection + orDefault(engine.PingInterval, 25*time.Second) + orDefault(engine.PingTimeout, 20*time.Second)
	return h
}

func orDefault(d, zero time.Duration) time.Duration {
	if d == 0 {
		return zero
	}
	return d
}

func (h *history) now() time.Duration { return time.Since(h.began) }

// position is that of the last event.
func (h *history) position() uint64 { return h.first + uint64(len(h.events)-h.head) - 1 }

// add keeps an event, unless it is volatile, and writes its offset into it, where
// room was left for that. It returns the event's position. A volatile event gets the
// offset of the one before, so that the client does not take an argument of it for
// one.
func (h *history) add(op *adapter.Operation, m *engineio.Message, offset []byte) uint64 {
	at := h.position()
	h.seen = max(h.seen, op.Logged.N)
	if !op.Flags.Volatile {
		at = h.keep(logged{message: m, rooms: op.Rooms, except: op.Except, n: op.Logged.N})
	}
	h.putOffset(offset, adapter.Place{Node: h.node, Own: at, Seen: h.seen})
	return at
}

// keep keeps an event and returns its position.
func (h *history) keep(e logged) uint64 {
	e.at = h.now()
	h.events = append(h.events, e)
	h.bytes += e.message.Size() + loggedOverhead
	h.trim()
	h.arm()
	return h.position()
}

// trim drops events that are too many or too old.
func (h *history) trim() {
	now := h.now()
	for h.head < len(h.events) {
		e := &h.events[h.head]
		if len(h.events)-h.head <= h.opts.MaxPackets && h.bytes <= h.opts.MaxBytes && now-e.at < h.life {
			break
		}
		h.bytes -= e.message.Size() + loggedOverhead
		*e = logged{}
		h.head++
		h.first++
	}
	if h.head > 64 && h.head > len(h.events)/2 {
		n := copy(h.events, h.events[h.head:])
		clear(h.events[n:])
		h.events, h.head = h.events[:n], 0
	}
	if len(h.events) == h.head {
		h.events, h.head = nil, 0
	}
}

// from returns the position after which the client of l goes on, and whether that
// can be. A client that has handled no event yet has no offset, and at is nil.
func (h *history) from(l *line, at *offset) (uint64, bool) {
	from := l.began
	if at != nil {
		if at.Node != h.node || at.Own < l.began || at.Own > h.position() || at.replayed {
			return 0, false
		}
		from = at.Own
	} else if l.abroad != nil && l.born != l.base {
		return 0, false // what it had before is not known here
	}
	if from < l.known && l.last > from {
		return 0, false // its rooms of that time are forgotten
	}
	from = max(from, l.had)
	if l.last <= from {
		from = max(from, l.parted) // it had all that it was sent
	}
	_, ok := h.missed(l, from)
	return from, ok
}

// missed returns the events after a position that are for the client of l, or false
// if they are not kept any more, or too many.
func (h *history) missed(l *line, from uint64) (messages []*engineio.Message, ok bool) {
	if from+1 < h.first {
		return nil, false
	}
	size := 0
	if l.abroad != nil && l.arrival != nil {
		size = l.arrival.size
	}
	for at := from + 1; at <= h.position(); at++ {
		e := &h.events[h.head+int(at-h.first)]
		if !l.gets(e, at) {
			continue
		}
		if size += e.message.Size(); size > h.limit {
			return nil, false
		}
		messages = append(messages, e.message)
	}
	return messages, true
}

// arm sees to it that what is too old is forgotten without anybody asking.
func (h *history) arm() {
	if h.closed {
		return
	}
	next := time.Duration(-1)
	if h.head < len(h.events) {
		next = h.events[h.head].at + h.life
	}
	if first := h.away.Front(); first != nil && (next < 0 || first.Value.(*line).expires < next) {
		next = first.Value.(*line).expires
	}
	if due, ok := h.nextRefresh(); ok && (next < 0 || due < next) {
		next = due
	}
	switch wait := max(next-h.now(), time.Second); {
	case next < 0, h.timer != nil && h.due <= next:
	case h.timer == nil:
		h.timer, h.due = time.AfterFunc(wait, h.sweep), next
	default:
		h.due = next
		h.timer.Reset(wait)
	}
}

// sweep forgets what is too old.
func (h *history) sweep() {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	h.timer = nil
	h.trim()
	for now := h.now(); h.away.Len() > 0; {
		l := h.away.Front().Value.(*line)
		if l.expires > now {
			break
		}
		h.drop(l)
	}
	h.refresh()
	h.arm()
}

// close ends what the history has started.
func (h *history) close() {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	h.closed = true
	for h.away.Len() > 0 {
		h.drop(h.away.Front().Value.(*line)) // a handler may wait for its acknowledgement
	}
	if h.timer != nil {
		h.timer.Stop()
	}
}
