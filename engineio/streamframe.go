package engineio

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// nextBare is next for the frames of a stream: the length as in WebSocket frames, with
// a bit that says whether the message is binary, and nothing else.
// https://github.com/socketio/socket.io/blob/main/packages/engine.io-parser/lib/index.ts
//
// That library takes an empty message for an error, even a binary one, which it does
// send. Here that is a message, as it is on other transports.
func (f *frameReader) nextBare(data []byte, deliver func(ws.OpCode, []byte) error) (int, error) {
	length, start := parseBare(data)
	if start == 0 {
		f.need = 0
		return 0, nil
	}
	op := ws.OpText
	if data[0]&0x80 != 0 {
		op = ws.OpBinary
	}
	switch {
	case length > uint64(f.max):
		return 0, errFrameTooBig
	case length == 0 && op == ws.OpText:
		return 0, errEmptyText
	}
	end := start + int(length)
	if len(data) < end {
		f.need = end
		return 0, nil
	}
	return end, deliver(op, data[start:end:end])
}

// parseBare returns the length of the message at the beginning of data, and where the
// message starts; that is 0 if data ends before it does.
func parseBare(data []byte) (length uint64, start int) {
	if len(data) == 0 {
		return 0, 0
	}
	switch b := data[0] & 0x7f; {
	case b < 126:
		return uint64(b), 1
	case b == 126 && len(data) >= 3:
		return uint64(binary.BigEndian.Uint16(data[1:])), 3
	case b == 127 && len(data) >= 9:
		return binary.BigEndian.Uint64(data[1:]), 9
	default:
		return 0, 0
	}
}

// encodeStream returns the message as frames of a stream.
func (m *Message) encodeStream() []byte {
	b := make([]byte, 0, m.size)
	if m.frame != nil {
		b = append(b, m.frame[1:]...)
	}
	for _, data := range m.binary {
		if len(data) == 0 { // clients take no empty frame, but nothing in base64
			b = append(b, 1, 'b')
			continue
		}
		start := len(b)
		b = append(appendLength(b, len(data)), data...)
		b[start] |= 0x80
	}
	return b
}
