// Package packet is the wire format of Socket.IO: protocol 4, which clients 1 and
// 2 speak, and protocol 5, which clients 3 and 4 speak. They differ little; what
// differs is said where it does.
//
// The package is pure and keeps arguments as the JSON they came in, until a typed
// handler asks for them. Protocol texts: https://github.com/socketio/socket.io,
// docs/socket.io-protocol. Where they are silent, socket.io-parser 4.2 decides.
package packet

import (
	"errors"
	"strconv"
)

// Type is a packet's type.
type Type uint8

// The packet types, as the digits that stand for them on the wire.
const (
	Connect      Type = iota
	Disconnect        // no data
	Event             // data is an array, the event's name first
	Ack               // data is an array
	ConnectError      // ERROR in protocol 4; data is an object or a string
	BinaryEvent       // an Event with attachments
	BinaryAck         // an Ack with attachments
)

var names = [...]string{"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"}

// String returns the name that the protocol text has for t.
func (t Type) String() string {
	if int(t) < len(names) {
		return names[t]
	}
	return "packet.Type(" + strconv.Itoa(int(t)) + ")"
}

func (t Type) binary() bool { return t == BinaryEvent || t == BinaryAck }

// A Packet is one Socket.IO packet without its attachments, which follow it as
// binary messages.
type Packet struct {
	Type        Type
	Namespace   string // with its slash; "/" if the text names none
	Query       string // what follows "?" in the namespace of a Connect: protocol 4's handshake query
	ID          uint64 // of an event that wants an ack, and of the ack
	HasID       bool
	Data        []byte // JSON as it came; nil if there is none
	Attachments int    // of a BinaryEvent or BinaryAck: how many follow
}

// Limits on what a packet may hold, besides its size.
const (
	// MaxDepth is how deep arrays and objects may be nested.
	MaxDepth = 1000
	// MaxNamespace is the length of a namespace in bytes.
	MaxNamespace = 512
	// MaxQuery is the length of a query in a namespace in bytes.
	MaxQuery = 8192
	// MaxID is the largest id: above it JavaScript numbers have gaps.
	MaxID = 1<<53 - 1
)

var (
	// ErrPacket means that a text is not a packet: an unknown type, a broken header,
	// data of the wrong kind for the type.
	ErrPacket = errors.New("packet: malformed packet")

	// ErrJSON means that something is not JSON in UTF-8, or nested deeper than MaxDepth.
	ErrJSON = errors.New("packet: malformed JSON")

	// ErrAttachments means that a packet announces more attachments than allowed.
	ErrAttachments = errors.New("packet: too many attachments")

	// ErrPlaceholder means that an object is marked as the place of an attachment
	// but does not name one that exists.
	ErrPlaceholder = errors.New("packet: illegal attachment placeholder")

	// ErrReservedEvent means that an event has one of the names that Socket.IO
	// keeps for itself, as "disconnect".
	ErrReservedEvent = errors.New("packet: reserved event name")
)

// Append appends the text of p to dst. It does not check p.
func (p *Packet) Append(dst []byte) []byte {
	dst = append(dst, '0'+byte(p.Type))
	if p.Type.binary() {
		dst = strconv.AppendInt(dst, int64(p.Attachments), 10)
		dst = append(dst, '-')
	}
	if p.Namespace != "" && p.Namespace != "/" || p.Query != "" {
		dst = append(dst, p.Namespace...)
		if p.Query != "" {
			dst = append(append(dst, '?'), p.Query...)
		}
		dst = append(dst, ',')
	}
	if p.HasID {
		dst = strconv.AppendUint(dst, p.ID, 10)
	}
	return append(dst, p.Data...)
}

// Reserved reports whether event must not be used as an event's name.
func Reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
