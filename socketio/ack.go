package socketio

import (
	"context"
	"fmt"

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
	answer := make(chan Args, 1)
	id, err := s.expectAck(answer)
	if err != nil {
		return Args{}, err
	}
	s.conn.session.Send(encodePacket(packet.Packet{
		Type: packet.Event, Namespace: s.ns.name, ID: id, HasID: true, Data: e.Data,
	}, e.Attachments))
	select {
	case args := <-answer:
		return args, nil
	case <-s.Context().Done():
		err = ErrDisconnected
	case <-ctx.Done():
		err = fmt.Errorf("socketio: wait for the ack of %q: %w", event, ctx.Err())
	}
	s.mu.Lock()
	delete(s.acks, id)
	s.mu.Unlock()
	select {
	case args := <-answer: // it came just before
		return args, nil
	default:
		return Args{}, err
	}
}

// expectAck returns the id for an acknowledgement that goes to answer.
func (s *Socket) expectAck(answer chan<- Args) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != connected {
		return 0, ErrDisconnected
	}
	if s.acks == nil {
		s.acks = map[uint64]chan<- Args{}
	}
	id := s.lastAck
	s.lastAck++
	s.acks[id] = answer
	return id, nil
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
	answer := s.acks[p.ID]
	delete(s.acks, p.ID)
	s.mu.Unlock()
	if answer != nil {
		answer <- Args{raw: raw, attachments: attachments} // has room
	}
	return nil
}
