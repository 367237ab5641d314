package socketio

import (
	"slices"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// An asked is an event that wants an acknowledgement, in a history: it is sent again
// while somebody waits for that.
type asked struct {
	line *line // to which it was sent
	id   uint64
}

// ask sends e to the client of s, or keeps it for the time when it comes back, and
// lets its acknowledgement go to answers. It returns false if the socket has gone for
// good. unask must be called when nobody waits any more.
func (h *history) ask(s *Socket, id uint64, answers chan<- answer, e adapter.Event) bool {
	m := s.ns.server.encodePacket(packet.Packet{
		Type: packet.Event, Namespace: s.ns.name, ID: id, HasID: true, Data: e.Data,
	}, e.Attachments)
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	l := s.line
	if l == nil || l.dead || l.claimant == s {
		return false
	}
	at := h.keep(logged{message: m, rooms: []string{l.id}, asked: &asked{l, id}})
	if l.asked == nil {
		l.asked = map[uint64]uint64{}
	}
	l.asked[id] = at
	if l.socket == nil {
		l.wait(id, answers)
		return true
	}
	l.last = at
	l.socket.expectAck(id, answers) // it is connected while it is the line's
	l.socket.conn.session.Send(m)
	return true
}

// unask ends what ask has begun. answered says that the acknowledgement has come: then
// the client had all that was sent to it before.
func (h *history) unask(s *Socket, id uint64, answered bool) {
	h.ns.mu.Lock()
	defer h.ns.mu.Unlock()
	l := s.line
	if l == nil {
		return
	}
	if at := l.asked[id]; answered {
		l.had = max(l.had, at)
	}
	delete(l.asked, id)
	delete(l.acks, id)
	if l.socket != nil {
		l.socket.forgetAck(id)
	}
}

// wait keeps an acknowledgement's receiver while the client is away.
func (l *line) wait(id uint64, answers chan<- answer) {
	if l.acks == nil {
		l.acks = map[uint64]chan<- answer{}
	}
	l.acks[id] = answers
}

// takeAcks takes from s the acknowledgements that may still come after it. s.mu is
// held.
func (l *line) takeAcks(s *Socket) {
	for id := range l.asked {
		if answers := s.acks[id]; answers != nil {
			l.wait(id, answers)
			delete(s.acks, id)
		}
	}
}

// giveAcks gives them to s, which takes over. s.mu is held.
func (l *line) giveAcks(s *Socket) {
	if s.acks == nil {
		s.acks = l.acks
	}
	l.acks = nil
}

// endAcks tells those who wait that nothing will come.
func (l *line) endAcks() {
	for _, answers := range l.acks {
		answers <- answer{socket: l.before, err: ErrDisconnected} // has room
	}
	l.acks = nil
}

// unanswered returns the events up to a position whose acknowledgement has not come:
// the client has got them, but its answer may be lost. Who waits for one that is not
// kept any more is told that nothing will come.
func (h *history) unanswered(l *line, upTo uint64) (messages []*engineio.Message) {
	var at []uint64
	for id, answers := range l.acks {
		switch position := l.asked[id]; {
		case position > upTo: // it is among the missed
		case position >= h.first:
			at = append(at, position)
		default:
			answers <- answer{socket: l.before, err: ErrDisconnected} // has room
			delete(l.acks, id)
		}
	}
	slices.Sort(at)
	for _, position := range at {
		messages = append(messages, h.events[h.head+int(position-h.first)].message)
	}
	return messages
}
