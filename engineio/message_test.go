package engineio

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
)

// message makes a message with attachments.
func message(s string, binary ...[]byte) *Message {
	return NewMessage(append(make([]byte, Headroom), s...), binary)
}

var formatNames = map[format]string{
	frames4: "frames4", frames3: "frames3", frames4Text: "frames4Text", frames3Text: "frames3Text",
	payload4: "payload4", payload3Text: "payload3Text", payload3Bin: "payload3Bin", stream4: "stream4",
}

func TestMessageFormats(t *testing.T) {
	server := func(op ws.OpCode, data string) string { return string(unmasked(op, data)) }
	m := message("안", []byte{0, 1, 255}, nil)
	for f, want := range map[format]string{
		frames4:      server(ws.OpText, "4안") + server(ws.OpBinary, "\x00\x01\xff") + server(ws.OpBinary, ""),
		frames3:      server(ws.OpText, "4안") + server(ws.OpBinary, "\x04\x00\x01\xff") + server(ws.OpBinary, "\x04"),
		frames4Text:  server(ws.OpText, "4안") + server(ws.OpText, "bAAH/") + server(ws.OpText, "b"),
		frames3Text:  server(ws.OpText, "4안") + server(ws.OpText, "b4AAH/") + server(ws.OpText, "b4"),
		payload4:     "4안\x1ebAAH/\x1eb",
		payload3Text: `7:4\uc5486:b4AAH/2:b4`,
		payload3Bin:  "\x00\x04\xff4안\x01\x04\xff\x04\x00\x01\xff\x01\x01\xff\x04",
		stream4:      "\x044안\x83\x00\x01\xff\x01b",
	} {
		for range 2 { // made, and kept
			if got := string(m.in(f)); got != want {
				t.Errorf("%s: %q, want %q", formatNames[f], got, want)
			}
		}
	}
	if len(formatNames) != int(formats) {
		t.Error("formats are missing")
	}
}

// The frame's header fits into the headroom, whatever the length, and is that of
// package ws.
func TestMessageLengths(t *testing.T) {
	for _, n := range []int{0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 1 << 20} {
		s := strings.Repeat("a", n)
		want := unmasked(ws.OpText, "4"+s)
		for _, f := range []format{frames4, frames3} {
			if got := text(s).in(f); !bytes.Equal(got, want) {
				t.Errorf("%d bytes: header %x, want %x", n, got[:10], want[:10])
			}
		}
		m := message("", bytes.Repeat([]byte{'b'}, n))
		if got, want := m.in(frames4)[3:], unmasked(ws.OpBinary, strings.Repeat("b", n)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes of binary: header %x, want %x", n, got[:10], want[:10])
		}
	}
}

// Many may need a message in a new format at once.
func TestMessageConcurrently(t *testing.T) {
	m := message("a", []byte("b"))
	var wg sync.WaitGroup
	got := make([][]byte, 16)
	for i := range got {
		wg.Go(func() { got[i] = m.in(payload4) })
	}
	wg.Wait()
	for _, b := range got {
		if string(b) != "4a\x1ebYg==" || &b[0] != &got[0][0] {
			t.Errorf("%q, or encoded twice", b)
		}
	}
}

func TestEncodePayload(t *testing.T) {
	control := newControl(ws.CompiledPing)
	for _, tt := range []struct {
		name     string
		messages []*Message
		protocol int
		base64   bool
		want     payload
	}{
		{"4", []*Message{text("a"), message("é", []byte{1}), noopPacket}, 4, false, payload{[]byte("4a\x1e4é\x1ebAQ==\x1e6"), false, true, false}},
		{"4 with control frames", []*Message{control, text("a"), control, text("b"), control}, 4, false, payload{[]byte("4a\x1e4b"), false, true, false}},
		{"3, ASCII", []*Message{text("a"), control, closePacket}, 3, false, payload{[]byte("2:4a1:1"), false, true, false}},
		{"3, text", []*Message{text("a"), text("é")}, 3, false, payload{[]byte("\x00\x02\xff4a\x00\x03\xff4é"), true, true, false}},
		{"3, text, no binary", []*Message{text("a"), text("é")}, 3, true, payload{[]byte("2:4a7:4\\u00e9"), false, true, false}},
		{"3, binary", []*Message{message("a", []byte{1})}, 3, false, payload{[]byte("\x00\x02\xff4a\x01\x02\xff\x04\x01"), true, true, false}},
		{"3, binary, no binary", []*Message{message("a", []byte{1})}, 3, true, payload{[]byte("2:4a6:b4AQ=="), false, true, false}},
	} {
		got := encodePayload(tt.messages, tt.protocol, tt.base64)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(payload{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

// What is counted for a message is at least what it takes.
func TestMessageSize(t *testing.T) {
	for _, m := range []*Message{text(""), text("hello"), message("a", nil, nil), newControl([]byte{0x8a, 0}), pingPacket} {
		if least := int(unsafe.Sizeof(*m)) + len(m.frame); m.size < least {
			t.Errorf("%q: %d, takes %d", m.frame, m.size, least)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	data := []byte(`2["msgToClient",{"name":"담소","text":"` + strings.Repeat("hello ", 15) + `"}]`)
	binary := [][]byte{make([]byte, 1000)}
	for f := range formats {
		for _, attachments := range [][][]byte{nil, binary} {
			b.Run(fmt.Sprintf("%s/%d", formatNames[f], len(attachments)), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					buf := append(make([]byte, Headroom, Headroom+len(data)), data...)
					_ = NewMessage(buf, attachments).in(f)
				}
			})
		}
	}
}

func BenchmarkPayload(b *testing.B) {
	messages := make([]*Message, 100)
	for i := range messages {
		messages[i] = text(fmt.Sprintf(`2["msgToClient",{"n":%d}]`, i))
	}
	for _, protocol := range []int{3, 4} {
		b.Run(fmt.Sprint(protocol), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = encodePayload(messages, protocol, false)
			}
		})
	}
}
