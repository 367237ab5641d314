package engineio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gobwas/ws"
)

// A frameReader takes a client's frames out of the bytes that arrive, and puts
// fragmented messages together. Whether a text is UTF-8 is left to the packet's
// decoder. It is pure. The zero value with a max is ready for use, and reads
// WebSocket frames.
type frameReader struct {
	max     int  // bytes of a message
	deflate bool // messages may be compressed
	bare    bool // the frames are those of a stream, see nextBare

	pending []byte    // a frame that is not complete
	need    int       // bytes that pending must have before it is worth a look
	message []byte    // the fragments so far
	op      ws.OpCode // of message; 0 if there are none
	packed  bool      // message is compressed
}

// compressed are the reserved bits of the first frame of a compressed message.
const compressed = 0b100

// errMessageTooBig is returned for a message larger than the reader's max.
var errMessageTooBig = errors.New("engineio: WebSocket message is larger than the maximum payload")

// feed takes data, which it may change, and calls deliver with each complete
// message and control frame, whose payload is only valid during the call. After
// an error it must not be called again.
func (f *frameReader) feed(data []byte, deliver func(op ws.OpCode, payload []byte) error) error {
	if len(f.pending) > 0 {
		f.pending = append(f.pending, data...)
		if len(f.pending) < f.need {
			return nil
		}
		data = f.pending
	}
	for len(data) > 0 {
		n, err := f.next(data, deliver)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		data = data[n:]
	}
	f.keep(data)
	return nil
}

// keep stores an incomplete frame until more of it arrives.
func (f *frameReader) keep(rest []byte) {
	if len(rest) == 0 {
		f.pending = nil
		return
	}
	if len(f.pending) == 0 || &f.pending[0] != &rest[0] {
		f.pending = bytes.Clone(rest)
	}
}

// next handles one frame at the beginning of data and returns its length, or 0 if
// it is not complete.
func (f *frameReader) next(data []byte, deliver func(ws.OpCode, []byte) error) (int, error) {
	if f.bare {
		return f.nextBare(data, deliver)
	}
	h, start, err := parseHeader(data)
	if err != nil {
		return 0, fmt.Errorf("engineio: read WebSocket frame: %w", err)
	}
	if start == 0 {
		f.need = 0
		return 0, nil
	}
	if err := f.check(h); err != nil {
		return 0, err
	}
	end := start + int(h.Length)
	if len(data) < end {
		f.need = end
		return 0, nil
	}
	payload := data[start:end:end]
	ws.Cipher(payload, h.Mask, 0)
	if h.OpCode.IsControl() {
		return end, deliver(h.OpCode, payload)
	}
	return end, f.fragment(h, payload, deliver)
}

// parseHeader reads the header at the beginning of data, which is n bytes long. n
// is 0 if data ends before it does. It does what [ws.ReadHeader] does, without
// an allocation.
func parseHeader(data []byte) (h ws.Header, n int, err error) {
	if len(data) < 2 {
		return h, 0, nil
	}
	h.Fin = data[0]&0x80 != 0
	h.Rsv = data[0] & 0x70 >> 4
	h.OpCode = ws.OpCode(data[0] & 0x0f)
	h.Masked = data[1]&0x80 != 0
	h.Length = int64(data[1] & 0x7f)
	n = 2
	switch h.Length {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	mask := n
	if h.Masked {
		n += len(h.Mask)
	}
	if len(data) < n {
		return h, 0, nil
	}
	switch length := data[2:mask]; len(length) {
	case 2:
		h.Length = int64(binary.BigEndian.Uint16(length))
	case 8:
		if length[0]&0x80 != 0 {
			return h, 0, ws.ErrHeaderLengthMSB
		}
		h.Length = int64(binary.BigEndian.Uint64(length))
	}
	copy(h.Mask[:], data[mask:n])
	return h, n, nil
}

// check refuses frames that RFC 6455 or the limit forbid, before they are read.
func (f *frameReader) check(h ws.Header) error {
	state := ws.StateServerSide
	if f.op != 0 {
		state |= ws.StateFragmented
	}
	if f.deflate && h.Rsv == compressed && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) {
		state |= ws.StateExtended // "the first fragment of a message"
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return fmt.Errorf("engineio: WebSocket frame: %w", err)
	}
	if !h.OpCode.IsControl() && h.Length > int64(f.max-len(f.message)) {
		return errMessageTooBig
	}
	return nil
}

// fragment handles a frame that is a message or a part of one.
func (f *frameReader) fragment(h ws.Header, payload []byte, deliver func(ws.OpCode, []byte) error) error {
	op, packed := h.OpCode, h.Rsv == compressed
	if f.op != 0 || !h.Fin {
		if f.op == 0 {
			f.op, f.packed = op, packed
		}
		f.message = append(f.message, payload...)
		if !h.Fin {
			return nil
		}
		op, payload, packed = f.op, f.message, f.packed
		f.op, f.message = 0, nil
	}
	if packed {
		return inflate(payload, f.max, func(message []byte) error { return deliver(op, message) })
	}
	return deliver(op, payload)
}
