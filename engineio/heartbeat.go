package engineio

import "time"

// A heartbeat decides when to ping and when a client counts as lost. Times are
// those since the server started. It is pure; the session's mutex guards it.
type heartbeat struct {
	due     time.Duration // when to ping, or when the client counts as lost
	waiting bool          // for a pong; then, and always in protocol 3, due is the end
	late    bool          // the wait for this pong was already extended
}

// A beat is what a heartbeat wants done.
type beat uint8

const (
	beatNothing beat = iota
	beatPing         // send a ping
	beatLost         // the client did not answer in time
)

// start begins the first interval.
func (h *heartbeat) start(now time.Duration, o *Options, protocol int) {
	h.due = now + o.PingInterval
	if protocol == 3 {
		// "the client sends a ping, and the server answers with a pong"
		h.waiting, h.due = true, h.due+o.PingTimeout
	}
}

// tick says what is to be done at now, and leaves in due when to ask again.
func (h *heartbeat) tick(now time.Duration, o *Options) beat {
	switch {
	case now < h.due:
		return beatNothing
	case h.waiting:
		return beatLost
	default:
		h.waiting, h.late, h.due = true, false, now+o.PingTimeout
		return beatPing
	}
}

// answered notes the pong of a client of protocol 4, or the ping of one of 3.
func (h *heartbeat) answered(now time.Duration, o *Options, protocol int) {
	h.start(now, o, protocol)
	h.waiting = protocol == 3
}

// heard notes another packet of a client of protocol 4: if a pong is due, it may
// come later by one PingTimeout, once, since the packet was before it in the
// client's queue.
func (h *heartbeat) heard(now time.Duration, o *Options) {
	if h.waiting && !h.late {
		h.late, h.due = true, now+o.PingTimeout
	}
}

// resumed notes that a client is read from again: what it had to say in the
// meantime comes only now.
func (h *heartbeat) resumed(now time.Duration, o *Options) {
	if h.waiting {
		h.due = max(h.due, now+o.PingTimeout)
	}
}
