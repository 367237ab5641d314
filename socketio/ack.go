package socketio

import (
	"context"
	"fmt"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// EmitWithAck sends an event to this client and waits for its acknowledgement, whose
// arguments it returns. It gives up when ctx ends; when the socket is
// disconnected, the error is [ErrDisconnected], and otherwise as that of Emit.
//
// It may be called in a handler of the same socket. But then other events of the
// client wait for the handler, and with too many of them the client is read from
// no more, not its acknowledgement either: so let ctx have a deadline.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	e, err := marshal(event, args)
	if err != nil {
		return Args{}, err
	}
	answers := make(chan answer, 1)
	id := s.ns.lastAck.Add(1) - 1
	if !s.ask(id, answers, e) {
		return Args{}, ErrDisconnected
	}
	answered := false
	if s.recoverable() {
		defer func() { s.ns.history.unask(s, id, answered) }()
	}
	s.ns.handlers.Load().sent(e, s)
	select {
	case a := <-answers:
		answered = a.err == nil
		return a.args, a.err
	case <-ctx.Done():
	}
	s.forgetAck(id)
	select {
	case a := <-answers: // it came just before
		return a.args, a.err
	default:
		return Args{}, fmt.Errorf("socketio: wait for the ack of %q: %w", event, ctx.Err())
	}
}

// ask sends an event with that id whose acknowledgement goes to answers. It returns
// false if the socket is not connected.
func (s *Socket) ask(id uint64, answers chan<- answer, e adapter.Event) bool {
	if s.recoverable() {
		return s.ns.history.ask(s, id, answers, e)
	}
	if !s.expectAck(id, answers) {
		return false
	}
	s.conn.session.Send(s.ns.server.encodePacket(packet.Packet{
		Type: packet.Event, Namespace: s.ns.name, ID: id, HasID: true, Data: e.Data,
	}, e.Attachments))
	return true
}

// An answer is what became of waiting for a client's acknowledgement.
type answer struct {
	socket *Socket
	args   Args
	err    error // ErrDisconnected or nil
}

// expectAck lets the acknowledgement of the event with that id, or the end of the
// socket, go to answers, which must have room for it. It returns false if the
// socket is not connected.
func (s *Socket) expectAck(id uint64, answers chan<- answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connected {
		return false
	}
	if s.acks == nil {
		s.acks = map[uint64]chan<- answer{}
	}
	s.acks[id] = answers
	return true
}

// forgetAck undoes expectAck.
func (s *Socket) forgetAck(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.acks, id)
}

// acknowledged takes a client's acknowledgement. One that nobody waits for is
// nothing.
func (s *Socket) acknowledged(p packet.Packet, attachments [][]byte) error {
	if !p.HasID {
		return errState
	}
	raw, err := packet.Split(p.Data)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if answers := s.acks[p.ID]; answers != nil {
		delete(s.acks, p.ID)
		answers <- answer{socket: s, args: Args{raw: raw, attachments: attachments}} // has room
	}
	return nil
}
