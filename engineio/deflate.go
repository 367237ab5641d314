package engineio

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// A Deflate configures the compression of WebSocket messages
// (perMessageDeflate of engine.io), RFC 7692. It is agreed with each client that
// nothing is remembered from one message to the next (serverNoContextTakeover,
// clientNoContextTakeover), so that a broadcast is compressed once for all.
type Deflate struct {
	// Threshold is the size in bytes from which on a message is compressed. If zero,
	// it is 1,024.
	Threshold int
	// Level is how hard to try, from 1 to 9. If zero, it is zlib's default.
	Level int
}

func (d *Deflate) check() error {
	if d.Threshold < 0 || d.Level < 0 || d.Level > flate.BestCompression {
		return errors.New("engineio: Options.PerMessageDeflate: Threshold must not be negative, and Level be from 1 to 9, or 0")
	}
	return nil
}

// A deflater compresses messages. It is safe for concurrent use.
type deflater struct {
	threshold int
	writers   sync.Pool // of *deflateWriter
}

type deflateWriter struct {
	flate *flate.Writer
	buf   bytes.Buffer
}

// newDeflater returns nil if there is to be none.
func newDeflater(opts *Deflate) *deflater {
	if opts == nil {
		return nil
	}
	d := &deflater{threshold: opts.Threshold}
	setDefault(&d.threshold, 1024)
	level := opts.Level
	setDefault(&level, flate.DefaultCompression)
	d.writers.New = func() any {
		w := new(deflateWriter)
		w.flate, _ = flate.NewWriter(&w.buf, level) // the level was checked
		return w
	}
	return d
}

// negotiate answers a client's offer. An empty answer declines it.
func (d *deflater) negotiate(offer httphead.Option) (accepted httphead.Option) {
	var p wsflate.Parameters
	if string(offer.Name) != wsflate.ExtensionName || p.Parse(offer) != nil {
		return accepted
	}
	if bits := p.ServerMaxWindowBits; bits.Defined() && bits.Bytes() < wsflate.MaxLZ77WindowSize {
		return accepted // package flate always uses the whole window
	}
	return wsflate.Parameters{
		ServerNoContextTakeover: true,
		ClientNoContextTakeover: true,
		ServerMaxWindowBits:     p.ServerMaxWindowBits,
	}.Option()
}

// worth says whether anything in m may be compressed.
func (d *deflater) worth(m *Message) bool {
	if m.typ == 0 || m.plain {
		return false // a control frame is never compressed
	}
	most := 1 + len(m.text())
	for _, b := range m.binary {
		most = max(most, 2+base64.StdEncoding.EncodedLen(len(b)))
	}
	return most >= d.threshold
}

// frames returns frames in which the messages that are worth it are compressed.
func (d *deflater) frames(frames []byte) []byte {
	w := d.writers.Get().(*deflateWriter)
	defer d.writers.Put(w)
	var out []byte
	for len(frames) > 0 {
		h, start, _ := parseHeader(frames) // we wrote it
		end := start + int(h.Length)
		if payload := frames[start:end]; len(payload) >= d.threshold {
			out = w.appendFrame(out, h.OpCode, payload)
		} else {
			out = append(out, frames[:end]...)
		}
		frames = frames[end:]
	}
	return out
}

// rsv1 is the bit of a frame's first byte that says that the message is compressed.
const rsv1 = 0x40

// flushed is the end of what a flush writes: an empty block, which RFC 7692 wants
// left out.
const flushed = "\x00\x00\xff\xff"

// appendFrame appends payload in a frame, compressed if that makes it smaller.
func (w *deflateWriter) appendFrame(out []byte, op ws.OpCode, payload []byte) []byte {
	w.buf.Reset()
	w.flate.Reset(&w.buf)
	_, _ = w.flate.Write(payload) // a buffer takes everything
	_ = w.flate.Flush()
	if packed := w.buf.Bytes()[:w.buf.Len()-len(flushed)]; len(packed) < len(payload) {
		op, payload = op|rsv1, packed
	}
	out = append(appendHeader(out, op, len(payload)), payload...)
	if w.buf.Cap() > keepBuffer {
		w.buf = bytes.Buffer{}
	}
	return out
}

// keepBuffer is the capacity up to which a buffer is kept for the next message.
const keepBuffer = 64 << 10

// deflated returns the message as WebSocket frames in format f, compressed by d. It
// is compressed once: whoever comes meanwhile waits for that.
func (m *Message) deflated(f format, d *deflater) []byte {
	if !d.worth(m) {
		return m.in(f)
	}
	slot := &m.packed[f]
	if len(m.binary) == 0 {
		slot = &m.packed[frames4] // a text is the same in all
	}
	if p := slot.Load(); p != nil {
		return *p
	}
	m.deflating.Lock()
	defer m.deflating.Unlock()
	if slot.Load() == nil {
		b := d.frames(m.in(f))
		slot.Store(&b)
	}
	return *slot.Load()
}

// A framing is how a WebSocket connection wants its messages.
type framing struct {
	format  format
	deflate *deflater // nil if the client doesn't do permessage-deflate
}

// of returns m for the connection. The result must not be changed.
func (f framing) of(m *Message) []byte {
	if f.deflate == nil {
		return m.in(f.format)
	}
	return m.deflated(f.format, f.deflate)
}
