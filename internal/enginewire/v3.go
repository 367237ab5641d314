package enginewire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// DecodePayload3 decodes the body of a protocol 3 POST request or GET response.
//
// binary says which of the two forms it has, which clients tell by the
// Content-Type: application/octet-stream is the framing of [AppendPacket3Binary],
// anything else the text of [AppendPacket3Text].
//
// The packets' Data aliases body where it can. A text body without any character
// is an error, as it is for engine.io-parser; an empty packet in text ("0:") is none.
// With more than maxPackets packets the result is [ErrTooManyPackets].
func DecodePayload3(body []byte, binary bool, maxPackets int) ([]Packet, error) {
	next := nextText3
	if binary {
		next = nextBinary3
	} else if len(body) == 0 || !utf8.Valid(body) {
		return nil, fmt.Errorf("%w: empty or not UTF-8", ErrPayload)
	}
	var packets []Packet
	for len(body) > 0 {
		frame, isBinary, rest, err := next(body)
		if err != nil {
			return nil, err
		}
		body = rest
		if len(frame) == 0 && !binary {
			continue
		}
		if len(packets) == maxPackets {
			return nil, fmt.Errorf("%w: allowed are %d", ErrTooManyPackets, maxPackets)
		}
		p, err := decodePacket3(frame, isBinary)
		if err != nil {
			return nil, fmt.Errorf("%w: packet %d: %w", ErrPayload, len(packets), err)
		}
		packets = append(packets, p)
	}
	return packets, nil
}

// decodePacket3 decodes what a frame of a payload holds.
func decodePacket3(frame []byte, binary bool) (Packet, error) {
	if len(frame) == 0 {
		return Packet{}, errEmpty
	}
	if binary {
		if frame[0] != byte(Message-'0') {
			return Packet{}, fmt.Errorf("binary of type %d", frame[0])
		}
		return Packet{Type: Message, Binary: true, Data: frame[1:]}, nil
	}
	if frame[0] != 'b' {
		return textPacket(frame)
	}
	if len(frame) < 2 || Type(frame[1]) != Message {
		return Packet{}, errors.New("base64 without type 4")
	}
	return base64Packet(frame[2:])
}

// nextText3 cuts "<length>:<packet>" from body, which is not empty and is UTF-8.
func nextText3(body []byte) (frame []byte, binary bool, rest []byte, err error) {
	units, i := 0, 0
	for ; i < len(body) && '0' <= body[i] && body[i] <= '9' && units < math.MaxInt32/10; i++ {
		units = units*10 + int(body[i]-'0')
	}
	if i == 0 || i == len(body) || body[i] != ':' {
		return nil, false, nil, fmt.Errorf("%w: no length", ErrPayload)
	}
	body = body[i+1:]
	n, ok := utf16Prefix(body, units)
	if !ok {
		return nil, false, nil, fmt.Errorf("%w: length %d", ErrPayload, units)
	}
	return body[:n], false, body[n:], nil
}

// nextBinary3 cuts a frame from body: 0 for text or 1 for binary, the length in
// decimal with one byte (0 to 9) per digit, 255, then as many bytes.
func nextBinary3(body []byte) (frame []byte, binary bool, rest []byte, err error) {
	if body[0] > 1 {
		return nil, false, nil, fmt.Errorf("%w: frame of kind %d", ErrPayload, body[0])
	}
	binary = body[0] == 1
	n, i := 0, 1
	for ; i < len(body) && body[i] <= 9 && n < math.MaxInt32/10; i++ {
		n = n*10 + int(body[i])
	}
	if i == 1 || i == len(body) || body[i] != 255 {
		return nil, false, nil, fmt.Errorf("%w: no length", ErrPayload)
	}
	body = body[i+1:]
	if n > len(body) {
		return nil, false, nil, fmt.Errorf("%w: length %d", ErrPayload, n)
	}
	frame, rest = body[:n], body[n:]
	if !binary && !utf8.Valid(frame) {
		frame = replaceSurrogates(bytes.Clone(frame))
		if !utf8.Valid(frame) {
			return nil, false, nil, fmt.Errorf("%w: %w", ErrPayload, errNotUTF8)
		}
	}
	return frame, binary, rest, nil
}

// AppendPacket3Text appends p as it stands in a text payload: "<length>:" and the
// packet, a binary message as "b4" and base64. The length counts UTF-16 code
// units, which is what a JavaScript string calls its length.
//
// Clients 1.x read non-ASCII text in such a payload wrongly, see [EscapeNonASCII].
func AppendPacket3Text(dst []byte, p Packet) []byte {
	if p.Binary {
		dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(p.Data))), 10)
		return base64.StdEncoding.AppendEncode(append(dst, ":b4"...), p.Data)
	}
	dst = strconv.AppendInt(dst, int64(1+utf16Len(p.Data)), 10)
	dst = append(dst, ':', byte(p.Type))
	return append(dst, p.Data...)
}

// AppendPacket3Binary appends p as it stands in a binary payload: see
// nextBinary3. The type of a binary message is the byte 4, of text the digit; the
// length counts bytes, and text is UTF-8. Clients 1.x and 2.x read it alike.
func AppendPacket3Binary(dst []byte, p Packet) []byte {
	kind, typ := byte(0), byte(p.Type)
	if p.Binary {
		kind, typ = 1, byte(Message-'0')
	}
	dst = append(dst, kind)
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(1+len(p.Data)), 10)
	for i := start; i < len(dst); i++ {
		dst[i] -= '0'
	}
	dst = append(dst, 255, typ)
	return append(dst, p.Data...)
}
