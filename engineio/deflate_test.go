package engineio

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"
)

const deflateReply = "permessage-deflate;server_no_context_takeover;client_no_context_takeover"

func TestNegotiateDeflate(t *testing.T) {
	on := serve(t, Options{PerMessageDeflate: &Deflate{}})
	off := serve(t, Options{})
	for _, c := range []struct {
		s           *site
		offer, want string
	}{
		{on, "", ""},
		{on, "permessage-deflate", deflateReply},
		{on, "permessage-deflate; client_max_window_bits", deflateReply},
		{on, "permessage-deflate; client_max_window_bits=9", deflateReply},
		{on, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", deflateReply},
		{on, "permessage-deflate; server_max_window_bits=15", deflateReply + ";server_max_window_bits=15"},
		{on, "permessage-deflate; server_max_window_bits=10", ""},
		{on, "permessage-deflate; server_max_window_bits=10, permessage-deflate", deflateReply},
		{on, "permessage-deflate, permessage-deflate", deflateReply},
		{on, "permessage-deflate; server_max_window_bits=7", ""},
		{on, "permessage-deflate; server_max_window_bits", ""},
		{on, "permessage-deflate; unknown", ""},
		{on, "permessage-deflate; server_no_context_takeover=1", ""},
		{on, "x-webkit-deflate-frame", ""},
		{on, "permessage-bzip2, permessage-deflate", deflateReply},
		{off, "permessage-deflate", ""},
	} {
		got := c.s.raw().upgrade("EIO=4", c.offer)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.offer, got, c.want)
		}
	}
}

// upgrade asks for a WebSocket with an offer of extensions, and returns what is
// agreed.
func (c *rawConn) upgrade(query, offer string) string {
	c.t.Helper()
	if offer != "" {
		offer = "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	c.send("GET /?transport=websocket&" + query + " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + offer + "\r\n")
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatal(offer, res, err)
	}
	return strings.ReplaceAll(res.Header.Get("Sec-WebSocket-Extensions"), " ", "")
}

// deflate compresses a message as a client does.
func deflate(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(w, s)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), flushed)
}

// final compresses a message into one last block.
func final(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func inflated(packed string, max int) (s string, err error) {
	err = inflate([]byte(packed), max, func(b []byte) error {
		s = string(b)
		return nil
	})
	return s, err
}

// TestInflateRFC has the examples of RFC 7692, section 7.2.3.
func TestInflateRFC(t *testing.T) {
	for _, packed := range []string{
		"\xf2\x48\xcd\xc9\xc9\x07\x00",
		"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",         // no compression
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",                     // BFINAL
		"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", // two blocks
		final("Hello"), deflate("Hello"), deflate("Hel") + flushed + deflate("lo"),
	} {
		if got, err := inflated(packed, 5); got != "Hello" || err != nil {
			t.Errorf("%x: %q %v", packed, got, err)
		}
	}
	if got, err := inflated("\x00", 5); got != "" || err != nil {
		t.Errorf("empty: %q %v", got, err)
	}
}

func TestInflateNonsense(t *testing.T) {
	bomb := deflate(strings.Repeat("\x00", 10_000_000))
	for _, c := range []struct {
		name, packed string
		max          int
		want         error
	}{
		{"bomb", bomb, 1_000_000, errMessageTooBig},
		{"one byte too many", deflate("Hello"), 4, errMessageTooBig},
		{"reserved block type", "\x06", 100, errInflate},
		{"cut", deflate(strings.Repeat("Hello, Damso. ", 100))[:10], 10_000, errInflate},
		{"distance too far", "\x4b\x04\x02\x00", 100, nil},
		{"garbage", "\xff\xff\xff\xff", 100, errInflate},
		{"nothing", "", 100, nil},
	} {
		_, err := inflated(c.packed, c.max)
		if c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v looks like a lost connection", c.name, err)
		}
	}
}

func FuzzInflate(f *testing.F) {
	f.Add([]byte(deflate("Hello")))
	f.Add([]byte(final("Hello")))
	f.Add([]byte(deflate(strings.Repeat("a", 5000))))
	f.Add([]byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const max = 4096
		if got, err := inflated(string(data), max); len(got) > max || err != nil && got != "" {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if got, err := inflated(deflate(string(data)), len(data)); got != string(data) || err != nil {
			t.Fatalf("%q becomes %q %v", data, got, err)
		}
	})
}

// packedFrame is a masked frame of a client with its reserved bits set.
func packedFrame(op ws.OpCode, fin bool, rsv byte, data string) []byte {
	f := ws.NewFrame(op, fin, []byte(data))
	f.Header.Rsv = rsv
	return ws.MustCompileFrame(ws.MaskFrame(f))
}

func TestReadCompressed(t *testing.T) {
	packed := deflate("Hello, Damso")
	type frames [][]byte
	for _, c := range []struct {
		name   string
		frames frames
		want   string // "" is an error
	}{
		{"one frame", frames{packedFrame(ws.OpText, true, compressed, packed)}, "Hello, Damso"},
		{"binary", frames{packedFrame(ws.OpBinary, true, compressed, packed)}, "Hello, Damso"},
		{"not compressed", frames{packedFrame(ws.OpText, true, 0, "Hello, Damso")}, "Hello, Damso"},
		{"fragments", frames{packedFrame(ws.OpText, false, compressed, packed[:3]), packedFrame(ws.OpPing, true, 0, ""), packedFrame(ws.OpContinuation, true, 0, packed[3:])}, "Hello, Damso"},
		{"plain fragments", frames{packedFrame(ws.OpText, false, 0, "Hello, "), packedFrame(ws.OpContinuation, true, 0, "Damso")}, "Hello, Damso"},
		{"bit on a later fragment", frames{packedFrame(ws.OpText, false, compressed, packed[:3]), packedFrame(ws.OpContinuation, true, compressed, packed[3:])}, ""},
		{"bit on a ping", frames{packedFrame(ws.OpPing, true, compressed, "")}, ""},
		{"bit on a close frame", frames{packedFrame(ws.OpClose, true, compressed, "")}, ""},
		{"other bits", frames{packedFrame(ws.OpText, true, 0b110, packed)}, ""},
		{"garbage", frames{packedFrame(ws.OpText, true, compressed, "Hello")}, ""},
		{"too large", frames{packedFrame(ws.OpText, true, compressed, deflate(strings.Repeat("a", 101)))}, ""},
		{"not masked", frames{unmasked(ws.OpText|rsv1, packed)}, ""},
	} {
		f := frameReader{max: 100, deflate: true}
		got := ""
		err := f.feed(bytes.Join(c.frames, nil), func(op ws.OpCode, payload []byte) error {
			if !op.IsControl() {
				got = string(payload)
			}
			return nil
		})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", c.name, got, err, c.want)
		}
	}
	f := frameReader{max: 100}
	if err := f.feed(packedFrame(ws.OpText, true, compressed, packed), nil); err == nil {
		t.Error("a compressed message is read though nobody agreed to that")
	}
}

// FuzzReadCompressed holds that compressed messages are read alike however their
// bytes arrive, and that none is larger than the limit.
func FuzzReadCompressed(f *testing.F) {
	packed := deflate("Hello, Damso")
	f.Add(packedFrame(ws.OpText, true, compressed, packed), uint8(1))
	f.Add(packedFrame(ws.OpText, true, compressed, deflate(strings.Repeat("a", 2000))), uint8(5))
	f.Add(bytes.Join([][]byte{
		packedFrame(ws.OpBinary, false, compressed, packed[:3]),
		packedFrame(ws.OpContinuation, true, 0, packed[3:]),
		packedFrame(ws.OpText, true, 0, "plain"),
	}, nil), uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		read := func(size int) (messages []string, err error) {
			r := frameReader{max: 1000, deflate: true}
			for piece := range slices.Chunk(bytes.Clone(stream), size) {
				err = r.feed(piece, func(op ws.OpCode, payload []byte) error {
					if len(payload) > 1000 {
						t.Errorf("a message of %d bytes", len(payload))
					}
					messages = append(messages, fmt.Sprint(op, string(payload)))
					return nil
				})
				if err != nil {
					break
				}
			}
			return messages, err
		}
		whole, err := read(max(len(stream), 1))
		pieces, err2 := read(int(size) + 1)
		if !slices.Equal(whole, pieces) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%q %v in one piece, %q %v in several", whole, err, pieces, err2)
		}
	})
}

// unpack reads a frame of the server's, and says whether it was compressed.
func unpack(t *testing.T, r io.Reader) (payload string, packed bool) {
	t.Helper()
	h, err := ws.ReadHeader(r)
	data := make([]byte, h.Length)
	if err == nil {
		_, err = io.ReadFull(r, data)
	}
	if packed = h.Rsv == compressed; packed && err == nil {
		payload, err = inflated(string(data), 1<<30)
	} else {
		payload = string(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return payload, packed
}

// packs returns the payloads of frames, and which of them are compressed.
func packs(t *testing.T, frames []byte) (payloads []string, packed []bool) {
	t.Helper()
	for r := bytes.NewReader(frames); r.Len() > 0; {
		data, was := unpack(t, r)
		payloads, packed = append(payloads, data), append(packed, was)
	}
	return payloads, packed
}

func TestDeflateFormats(t *testing.T) {
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	d := newDeflater(&Deflate{Threshold: 100})
	long := strings.Repeat("담소", 30)
	for _, c := range []struct {
		name string
		m    *Message
		want []bool // which frames are compressed
	}{
		{"short", text("hello"), []bool{false}},
		{"just under", text(strings.Repeat("a", 98)), []bool{false}},
		{"just long enough", text(strings.Repeat("a", 99)), []bool{true}},
		{"long", text(long), []bool{true}},
		{"not wanted", text(long).NoCompress(), []bool{false}},
		{"noise", message("a", noise), nil},
		{"short text, long binary", message("a", bytes.Repeat([]byte{7}, 500), []byte("b")), []bool{false, true, false}},
		{"ping", pingPacket, []bool{false}},
		{"control frame", newControl(ws.CompiledPing), []bool{false}},
	} {
		for f := range payload4 {
			want, _ := packs(t, c.m.in(f))
			got, packed := packs(t, framing{f, d}.of(c.m))
			if fmt.Sprint(got) != fmt.Sprint(want) || c.want != nil && fmt.Sprint(packed) != fmt.Sprint(c.want) {
				t.Errorf("%s in format %d: %q %v, want %q %v", c.name, f, got, packed, want, c.want)
			}
			if c.name == "noise" && f == frames4 && packed[1] {
				t.Error("what gets larger is sent compressed")
			}
		}
	}
}

// TestDeflateOnce holds that the receivers of a broadcast share one compression,
// however many ask at once.
func TestDeflateOnce(t *testing.T) {
	d := newDeflater(&Deflate{})
	var writers atomic.Int32
	fresh := d.writers.New
	d.writers.New = func() any { writers.Add(1); return fresh() }
	m := text(strings.Repeat("담소 ", 1000))
	var got [100][]byte
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i] = framing{format(i) % payload4, d}.of(m) })
	}
	wg.Wait()
	for _, b := range got {
		if &b[0] != &got[0][0] {
			t.Fatal("compressed twice")
		}
	}
	if n := writers.Load(); n != 1 {
		t.Errorf("%d writers", n)
	}
	if b := m.in(frames4); &b[0] == &got[0][0] || len(b) < len(got[0]) {
		t.Error("the plain frame is gone")
	}
}

// TestDeflateMixed holds that each receiver of a broadcast gets what it can read.
func TestDeflateMixed(t *testing.T) {
	s := serve(t, Options{PerMessageDeflate: &Deflate{}})
	sent := strings.Repeat("담소 ", 1000)
	m := message(sent, bytes.Repeat([]byte{1}, 2000))
	for _, c := range []struct {
		query, offer, binary string
		packed               bool
	}{
		{"EIO=4", "permessage-deflate", strings.Repeat("\x01", 2000), true},
		{"EIO=4", "", strings.Repeat("\x01", 2000), false},
		{"EIO=3", "permessage-deflate", "\x04" + strings.Repeat("\x01", 2000), true},
		{"EIO=4", "permessage-deflate", strings.Repeat("\x01", 2000), true},
	} {
		conn := s.raw()
		conn.upgrade(c.query, c.offer)
		p := await(t, s.opened, "session")
		p.session.Send(m)
		for _, want := range []string{"", "4" + sent, c.binary} {
			got, packed := unpack(t, conn.r)
			if want == "" { // the packet that opens the session
				continue
			}
			if got != want || packed != c.packed {
				t.Errorf("%s %s: %.40q, compressed: %v; want %.40q, %v", c.query, c.offer, got, packed, want, c.packed)
			}
		}
		if c.packed {
			conn.send(string(packedFrame(ws.OpText, true, compressed, deflate("4"+sent))))
		} else {
			conn.send(string(frame(ws.OpText, "4"+sent)))
		}
		p.wantMessage(t, sent)
	}
}

// TestDeflateBomb holds that a message that becomes too large ends its session.
func TestDeflateBomb(t *testing.T) {
	s := serve(t, Options{PerMessageDeflate: &Deflate{}, MaxPayload: 10_000})
	conn := s.raw()
	conn.upgrade("EIO=4", "permessage-deflate")
	p := await(t, s.opened, "session")
	conn.send(string(packedFrame(ws.OpText, true, compressed, deflate("4"+strings.Repeat("a", 1_000_000)))))
	if err := p.wantClosed(t, TransportError); !errors.Is(err, errMessageTooBig) {
		t.Errorf("closed with %v", err)
	}
}

func TestDeflateOptions(t *testing.T) {
	for _, d := range []Deflate{{Threshold: -1}, {Level: -1}, {Level: 10}} {
		if (Options{PerMessageDeflate: &d}).Check() == nil {
			t.Errorf("%+v is accepted", d)
		}
	}
}

// BenchmarkDeflate is a message to 1,000 receivers, from its text to their frames:
// one compression and a constant number of allocations.
func BenchmarkDeflate(b *testing.B) {
	d := newDeflater(&Deflate{})
	f := framing{frames4, d}
	body := strings.Repeat(`{"name":"담소","text":"안녕하세요"},`, 50)
	b.ReportAllocs()
	for b.Loop() {
		m := text(body)
		for range 1000 {
			_ = f.of(m)
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	packed := []byte(deflate(strings.Repeat(`{"name":"담소","text":"안녕하세요"},`, 50)))
	b.ReportAllocs()
	for b.Loop() {
		_ = inflate(packed, 1<<20, func([]byte) error { return nil })
	}
}
