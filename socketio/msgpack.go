package socketio

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/msgjson"
	"github.com/damso/damso/socketio/packet"
)

// A Parser is a way to put packets on the wire. All clients of a server must use the
// same: nothing on the wire says which it is.
type Parser uint8

// Parsers.
const (
	// TextParser is that of Socket.IO: a text, and a binary message for each
	// attachment.
	TextParser Parser = iota
	// MessagePack is that of socket.io-msgpack-parser 3: a packet is one binary
	// message. Dates, which JSON lacks, come as strings; what is sent has none. Events
	// nested deeper than 512 levels can't be sent.
	MessagePack
)

var packers = sync.Pool{New: func() any { return new(msgjson.Packer) }}

// packPacket makes a message of p in MessagePack, and also returns its bytes, which
// end with the data.
func packPacket(p packet.Packet, attachments [][]byte) (*engineio.Message, []byte, error) {
	n := uint32(2)
	if p.HasID {
		n++
	}
	if p.Data != nil {
		n++
	}
	const header = 64 // the keys, type, id
	buf := make([]byte, 0, header+len(p.Namespace)+len(p.Data))
	buf = msgp.AppendMapHeader(buf, n)
	buf = msgp.AppendInt(msgp.AppendString(buf, "type"), int(p.Type))
	buf = msgp.AppendString(msgp.AppendString(buf, "nsp"), p.Namespace)
	if p.HasID {
		buf = msgp.AppendUint64(msgp.AppendString(buf, "id"), p.ID)
	}
	if p.Data != nil {
		packer := packers.Get().(*msgjson.Packer)
		defer packers.Put(packer)
		var err error
		if buf, err = packer.PackValue(msgp.AppendString(buf, "data"), p.Data, attachments); err != nil {
			return nil, nil, err
		}
	}
	return engineio.NewBinaryMessage(buf), buf, nil
}

// unpackPacket decodes a packet in MessagePack. It holds it to the same rules as the
// text parser: it makes a text of it. The attachments are parts of b.
func unpackPacket(b []byte) (packet.Packet, [][]byte, error) {
	p, data, err := readPacket(b)
	if err != nil {
		return packet.Packet{}, nil, fmt.Errorf("%w: %w", packet.ErrPacket, err)
	}
	var attachments [][]byte
	if data != nil {
		var u msgjson.Unpacker
		if p.Data, attachments, _, err = u.Unpack(data); err != nil {
			return packet.Packet{}, nil, fmt.Errorf("%w: %w", packet.ErrPacket, err)
		}
	}
	if p.Type > packet.ConnectError || !strings.HasPrefix(p.Namespace, "/") || strings.Contains(p.Namespace, ",") {
		return packet.Packet{}, nil, fmt.Errorf("%w: type %d, namespace %.40q", packet.ErrPacket, p.Type, p.Namespace)
	}
	if len(attachments) > 0 && p.Type != packet.Event && p.Type != packet.Ack {
		return packet.Packet{}, nil, fmt.Errorf("%w: binary in %s", packet.ErrPacket, p.Type)
	}
	p = withAttachments(p, len(attachments))
	p, err = packet.Decode(p.Append(nil), len(attachments))
	return p, attachments, err
}

// readPacket reads the map that is a packet. Its data is returned as it stands there,
// nil if there is none.
func readPacket(b []byte) (p packet.Packet, data []byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return p, nil, err
	}
	for range n {
		key, after, err := msgp.ReadStringZC(b)
		if err != nil {
			return p, nil, err
		}
		if b, err = msgp.Skip(after); err != nil {
			return p, nil, err
		}
		value := after[:len(after)-len(b)]
		if string(value) == undefined {
			continue
		}
		switch string(key) {
		case "type":
			var t uint8
			t, _, err = msgp.ReadUint8Bytes(value)
			p.Type = packet.Type(t)
		case "nsp":
			p.Namespace, _, err = msgp.ReadStringBytes(value)
		case "id":
			p.ID, _, err = msgp.ReadUint64Bytes(value)
			p.HasID = true
		case "data":
			data = value
		}
		if err != nil {
			return p, nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if len(b) > 0 {
		return p, nil, fmt.Errorf("%d bytes after the packet", len(b))
	}
	return p, data, nil
}

// undefined is what notepack.io makes of JavaScript's undefined.
const undefined = "\xd4\x00\x00"
