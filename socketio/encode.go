package socketio

import (
	"fmt"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// encodeEvent makes a message of an event. Events look alike in both protocols.
func (s *Server) encodeEvent(nsp string, e adapter.Event) *engineio.Message {
	return s.encodePacket(packet.Packet{Type: packet.Event, Namespace: nsp, Data: e.Data}, e.Attachments)
}

// encode makes a message of an event of the namespace. With recovery, the event has
// one argument more, for its offset, which is to be written where the second result
// says before the message is sent.
func (ns *Namespace) encode(e adapter.Event) (m *engineio.Message, offset []byte) {
	end := len(e.Data) - 1 // of the array
	if ns.history == nil || end < 0 || e.Data[end] != ']' {
		return ns.server.encodeEvent(ns.name, e), nil
	}
	size := ns.history.offsetSize()
	data := make([]byte, 0, end+size+len(`,""]`))
	data = append(append(data, e.Data[:end]...), `,"`...)
	for range size {
		data = append(data, '-')
	}
	data = append(data, `"]`...)
	p := packet.Packet{Type: packet.Event, Namespace: ns.name, Data: data}
	m, text := ns.server.encode(p, e.Attachments)
	if ns.server.opts.Parser == TextParser {
		text = text[:len(text)-len(`"]`)]
	}
	return m, text[max(0, len(text)-size):]
}

// encodePacket makes a message of p, whose type becomes the binary one if there
// are attachments.
func (s *Server) encodePacket(p packet.Packet, attachments [][]byte) *engineio.Message {
	m, _ := s.encode(p, attachments)
	return m
}

// encode is encodePacket, and also returns the message's text, or MessagePack, as the
// message has it. What can't be encoded, which packages packet and adapter do not
// let happen but for what is nested very deeply, is logged and becomes a message of
// nothing.
func (s *Server) encode(p packet.Packet, attachments [][]byte) (*engineio.Message, []byte) {
	if s.opts.Parser == MessagePack {
		m, packed, err := packPacket(p, attachments)
		if err != nil {
			s.log.Error("packet can't be encoded and is not sent", "namespace", p.Namespace, "error", err)
			return new(engineio.Message), nil
		}
		return m, packed
	}
	return encodeText(p, attachments)
}

// withAttachments is p as a packet with n attachments.
func withAttachments(p packet.Packet, n int) packet.Packet {
	if n > 0 {
		p.Attachments = n
		switch p.Type {
		case packet.Event:
			p.Type = packet.BinaryEvent
		case packet.Ack:
			p.Type = packet.BinaryAck
		}
	}
	return p
}

// encodeText makes a message of p as Socket.IO does.
func encodeText(p packet.Packet, attachments [][]byte) (*engineio.Message, []byte) {
	p = withAttachments(p, len(attachments))
	const header = 32 // type, number of attachments, id, and their separators
	buf := make([]byte, engineio.Headroom, engineio.Headroom+header+len(p.Namespace)+len(p.Data))
	buf = p.Append(buf)
	return engineio.NewMessage(buf, attachments), buf
}

// marshal encodes an event for sending. Names that Socket.IO keeps for itself are
// refused, since they would make clients believe that they were disconnected.
func marshal(event string, args []any) (adapter.Event, error) {
	err := packet.ErrReservedEvent
	if !packet.Reserved(event) {
		var e adapter.Event
		if e.Data, e.Attachments, err = packet.Marshal(event, args...); err == nil {
			return e, nil
		}
	}
	return adapter.Event{}, fmt.Errorf("socketio: encode %q: %w", event, err)
}
