// Package enginewire is the wire format of Engine.IO, protocols 3 and 4: packets,
// and the payloads in which HTTP long-polling carries several of them.
//
// It is pure: bytes in, bytes out. What comes from a client is text in UTF-8 and
// nothing else: a text packet that is not valid UTF-8 is refused, as passing it on
// would make browsers drop their WebSocket connection.
//
// Protocol texts: https://github.com/socketio/engine.io-protocol, branches v3 and
// main. Where they are silent, engine.io-parser 1.2, 2.2 and 5.2 decide.
package enginewire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// Type is a packet's type as the digit that stands for it on the wire.
type Type byte

// The packet types of protocols 3 and 4.
const (
	Open    Type = '0'
	Close   Type = '1'
	Ping    Type = '2'
	Pong    Type = '3'
	Message Type = '4'
	Upgrade Type = '5'
	Noop    Type = '6'
)

// A Packet is one Engine.IO packet.
type Packet struct {
	Type   Type
	Binary bool   // Data is a binary message; only Message packets are
	Data   []byte // what follows the type; UTF-8 unless Binary
}

var (
	// ErrPacket means that a WebSocket frame is not a packet: an unknown type, text
	// that is not UTF-8, binary that is not base64.
	ErrPacket = errors.New("enginewire: malformed packet")

	// ErrPayload means that a request body is not a sequence of packets.
	ErrPayload = errors.New("enginewire: malformed payload")

	// ErrTooManyPackets means that a payload holds more packets than the caller allows.
	ErrTooManyPackets = errors.New("enginewire: too many packets in one payload")
)

// What can be wrong with a packet; ErrPacket and ErrPayload wrap these.
var (
	errEmpty   = errors.New("empty packet")
	errNotUTF8 = errors.New("not UTF-8")
)

// valid reports whether t is one of the types above.
func (t Type) valid() bool { return Open <= t && t <= Noop }

// textPacket splits a text packet into type and data.
func textPacket(s []byte) (Packet, error) {
	if len(s) == 0 {
		return Packet{}, errEmpty
	}
	if t := Type(s[0]); t.valid() {
		return Packet{Type: t, Data: s[1:]}, nil
	}
	return Packet{}, fmt.Errorf("unknown type %q", s[0])
}

// base64Packet decodes a binary message from base64. Padding may be missing.
func base64Packet(s []byte) (Packet, error) {
	s = bytes.TrimRight(s, "=")
	data := make([]byte, base64.RawStdEncoding.DecodedLen(len(s)))
	n, err := base64.RawStdEncoding.Decode(data, s)
	if err != nil {
		return Packet{}, err
	}
	return Packet{Type: Message, Binary: true, Data: data[:n]}, nil
}
