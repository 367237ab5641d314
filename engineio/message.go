package engineio

import (
	"encoding/base64"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// Headroom is the number of bytes that [NewMessage] wants free in front of a
// payload, for what the protocol puts there: ten bytes of WebSocket header and
// the packet's type.
const Headroom = ws.MaxHeaderSize - 4 + 1 // servers send no mask

// A Message is one or more Engine.IO messages that belong together: a text and the
// binary messages that follow it. It is encoded once for each wire format, on
// first need, and shared by all sessions that get it. It is immutable and safe
// for concurrent use.
type Message struct {
	typ    enginewire.Type
	plain  bool // not to be compressed
	policy SlowPolicy
	head   uint8    // where the text begins in frame, after its type
	frame  []byte   // the text in a WebSocket frame, which is the same in both protocols
	binary [][]byte // follow the text
	size   int      // about what it takes in memory, in bytes
	key    *string  // of KeepLatest; else nil

	encoded   [formats]atomic.Pointer[[]byte]
	packed    [payload4]atomic.Pointer[[]byte] // frames, compressed
	deflating sync.Mutex                       // held while they are
}

// overhead is about what a message takes in memory besides its bytes. It is
// counted, so that many small messages don't outgrow [Options.MaxBuffer].
const overhead = 192

// format is a way to put a message on the wire.
type format uint8

const (
	frames4      format = iota // WebSocket frames of protocol 4
	frames3                    // WebSocket frames of protocol 3
	frames4Text                // the same for clients that take no binary
	frames3Text                //
	payload4                   // part of a polling payload of protocol 4
	payload3Text               // part of a text payload of protocol 3, in ASCII
	payload3Bin                // part of a binary payload of protocol 3
	stream4                    // frames on a stream, of protocol 4
	formats
)

// NewMessage makes a message of a text, which begins in buf at [Headroom], and of
// binary messages after it. It takes over both: the caller must not use them
// again.
func NewMessage(buf []byte, binary [][]byte) *Message {
	m := newPacket(enginewire.Message, buf)
	m.binary = binary
	for _, b := range binary {
		m.size += len(b) + overhead
	}
	return m
}

// NewBinaryMessage makes a message of binary alone, which it takes over.
func NewBinaryMessage(data []byte) *Message {
	return &Message{typ: enginewire.Message, binary: [][]byte{data}, size: len(data) + overhead}
}

// NoCompress keeps m from being compressed, for what is compressed already or
// holds a secret beside what others wrote, and returns it. It must be called
// before m is sent.
func (m *Message) NoCompress() *Message {
	m.plain = true
	return m
}

// newPacket makes a message of one text packet, which begins in buf at Headroom.
func newPacket(typ enginewire.Type, buf []byte) *Message {
	text := buf[Headroom:]
	var header [Headroom]byte
	h := append(appendHeader(header[:0], ws.OpText, 1+len(text)), byte(typ))
	start := Headroom - len(h)
	copy(buf[start:], h)
	return &Message{typ: typ, head: uint8(len(h)), frame: buf[start:], size: len(buf) + overhead}
}

// textPacket is newPacket for a string.
func textPacket(typ enginewire.Type, text string) *Message {
	buf := make([]byte, Headroom+len(text))
	copy(buf[Headroom:], text)
	return newPacket(typ, buf)
}

// newControl makes a message of a WebSocket control frame, which has no form in
// polling payloads.
func newControl(frame []byte) *Message {
	return &Message{head: uint8(len(frame)), frame: frame, size: len(frame) + overhead}
}

// text is the text without its type.
func (m *Message) text() []byte { return m.frame[m.head:] }

// in returns the message in format f. The result must not be changed.
func (m *Message) in(f format) []byte {
	if f < payload4 && len(m.binary) == 0 {
		return m.frame
	}
	if f == stream4 && len(m.binary) == 0 {
		return m.frame[1:] // the header is WebSocket's without the opcode
	}
	if p := m.encoded[f].Load(); p != nil {
		return *p
	}
	b := m.encode(f)
	if !m.encoded[f].CompareAndSwap(nil, &b) {
		return *m.encoded[f].Load() // another was faster
	}
	return b
}

func (m *Message) encode(f format) []byte {
	if f < payload4 {
		return m.encodeFrames(f)
	}
	if f == stream4 {
		return m.encodeStream()
	}
	if m.typ == 0 {
		return []byte{} // a control frame
	}
	var b []byte
	if m.frame != nil {
		b = m.appendPacket(nil, f, enginewire.Packet{Type: m.typ, Data: m.text()})
	}
	for _, data := range m.binary {
		if f == payload4 && len(b) > 0 {
			b = append(b, enginewire.Separator4)
		}
		b = m.appendPacket(b, f, enginewire.Packet{Type: m.typ, Binary: true, Data: data})
	}
	return b
}

func (m *Message) encodeFrames(f format) []byte {
	b := append(make([]byte, 0, m.size), m.frame...)
	for _, data := range m.binary {
		switch f {
		case frames4:
			b = append(appendHeader(b, ws.OpBinary, len(data)), data...)
		case frames3: // the packet's type goes before the data, as a byte
			b = append(appendHeader(b, ws.OpBinary, 1+len(data)), byte(enginewire.Message-'0'))
			b = append(b, data...)
		case frames4Text:
			b = append(appendHeader(b, ws.OpText, 1+base64.StdEncoding.EncodedLen(len(data))), 'b')
			b = base64.StdEncoding.AppendEncode(b, data)
		case frames3Text: // the type, after "b"
			b = append(appendHeader(b, ws.OpText, 2+base64.StdEncoding.EncodedLen(len(data))), 'b', byte(enginewire.Message))
			b = base64.StdEncoding.AppendEncode(b, data)
		}
	}
	return b
}

func (m *Message) appendPacket(b []byte, f format, p enginewire.Packet) []byte {
	switch f {
	case payload4:
		return enginewire.AppendPacket4(b, p)
	case payload3Bin:
		return enginewire.AppendPacket3Binary(b, p)
	default:
		if !p.Binary { // clients of 1.x and 2.x disagree about everything but ASCII
			p.Data = enginewire.EscapeNonASCII(nil, p.Data)
		}
		return enginewire.AppendPacket3Text(b, p)
	}
}

// appendHeader appends the header of an unmasked, unfragmented frame.
func appendHeader(b []byte, op ws.OpCode, n int) []byte {
	return appendLength(append(b, 0x80|byte(op)), n)
}

// appendLength appends the length of what follows in a frame.
func appendLength(b []byte, n int) []byte {
	switch {
	case n < 126:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 126, byte(n>>8), byte(n))
	default:
		return append(b, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}
