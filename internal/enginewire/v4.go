package enginewire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// Separator4 stands between the packets of a protocol 4 payload.
const Separator4 = 0x1e

// DecodePacket4 decodes a packet of protocol 4: a WebSocket text frame or one
// part of a payload. "b" and base64 is a binary message. A WebSocket binary frame
// needs no decoding, it is a binary message as it stands.
//
// The packet's Data aliases data unless it was base64.
func DecodePacket4(data []byte) (Packet, error) {
	if !utf8.Valid(data) {
		return Packet{}, fmt.Errorf("%w: %w", ErrPacket, errNotUTF8)
	}
	p, err := decodePacket4(data)
	if err != nil {
		return Packet{}, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	return p, nil
}

func decodePacket4(data []byte) (Packet, error) {
	if len(data) > 0 && data[0] == 'b' {
		return base64Packet(data[1:])
	}
	return textPacket(data)
}

// DecodePayload4 decodes the body of a protocol 4 POST request or GET response.
// An empty body is an error, as it is for engine.io-parser. The packets' Data
// aliases body where it can. More than maxPackets packets are refused with
// [ErrTooManyPackets] before anything is decoded.
func DecodePayload4(body []byte, maxPackets int) ([]Packet, error) {
	n := bytes.Count(body, []byte{Separator4}) + 1
	if n > maxPackets {
		return nil, fmt.Errorf("%w: %d, allowed are %d", ErrTooManyPackets, n, maxPackets)
	}
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: %w", ErrPayload, errNotUTF8)
	}
	packets := make([]Packet, 0, n)
	for part := range bytes.SplitSeq(body, []byte{Separator4}) {
		p, err := decodePacket4(part)
		if err != nil {
			return nil, fmt.Errorf("%w: packet %d: %w", ErrPayload, len(packets), err)
		}
		packets = append(packets, p)
	}
	return packets, nil
}

// AppendPacket4 appends p as it stands in a payload: type and data, or "b" and
// base64 for binary. The caller puts [Separator4] between packets. Without Binary
// it is also the text of a WebSocket frame.
func AppendPacket4(dst []byte, p Packet) []byte {
	if p.Binary {
		return base64.StdEncoding.AppendEncode(append(dst, 'b'), p.Data)
	}
	return append(append(dst, byte(p.Type)), p.Data...)
}
