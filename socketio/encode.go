package socketio

import (
	"fmt"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// encodeEvent makes a message of an event. Events look alike in both protocols.
func encodeEvent(nsp string, e adapter.Event) *engineio.Message {
	return encodePacket(packet.Packet{Type: packet.Event, Namespace: nsp, Data: e.Data}, e.Attachments)
}

// encode makes a message of an event of the namespace. With recovery, the event has
// one argument more, for its offset, which is to be written where the second result
// says before the message is sent.
func (ns *Namespace) encode(e adapter.Event) (m *engineio.Message, offset []byte) {
	end := len(e.Data) - 1 // of the array
	if ns.history == nil || end < 0 || e.Data[end] != ']' {
		return encodeEvent(ns.name, e), nil
	}
	const blank = `,"--------"]`
	data := make([]byte, 0, end+len(blank))
	data = append(append(data, e.Data[:end]...), blank...)
	p := packet.Packet{Type: packet.Event, Namespace: ns.name, Data: data}
	m, text := encodeText(p, e.Attachments)
	text = text[:len(text)-len(`"]`)]
	return m, text[len(text)-offsetSize:]
}

// encodePacket makes a message of p, whose type becomes the binary one if there
// are attachments.
func encodePacket(p packet.Packet, attachments [][]byte) *engineio.Message {
	m, _ := encodeText(p, attachments)
	return m
}

// encodeText is encodePacket, and also returns the message's text as the message has
// it.
func encodeText(p packet.Packet, attachments [][]byte) (*engineio.Message, []byte) {
	if n := len(attachments); n > 0 {
		p.Attachments = n
		switch p.Type {
		case packet.Event:
			p.Type = packet.BinaryEvent
		case packet.Ack:
			p.Type = packet.BinaryAck
		}
	}
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
