package engineio

import (
	"testing"

	"github.com/gobwas/ws"
)

// TestNewBinaryMessage: binary alone, in each format.
func TestNewBinaryMessage(t *testing.T) {
	server := func(op ws.OpCode, data string) string { return string(unmasked(op, data)) }
	m := NewBinaryMessage([]byte{0, 1, 255})
	for f, want := range map[format]string{
		frames4:      server(ws.OpBinary, "\x00\x01\xff"),
		frames3:      server(ws.OpBinary, "\x04\x00\x01\xff"),
		frames4Text:  server(ws.OpText, "bAAH/"),
		frames3Text:  server(ws.OpText, "b4AAH/"),
		payload4:     "bAAH/",
		payload3Text: "6:b4AAH/",
		payload3Bin:  "\x01\x04\xff\x04\x00\x01\xff",
	} {
		if got := string(m.in(f)); got != want {
			t.Errorf("%s: %q, want %q", formatNames[f], got, want)
		}
	}
}
