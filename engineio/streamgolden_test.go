package engineio

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/enginewire"
)

// A streamPacket is a packet as engine.io-parser has it, or "error".
type streamPacket struct {
	Type string  `json:"type"`
	Text *string `json:"text"`
	Hex  *string `json:"hex"`
}

var streamTypes = map[string]enginewire.Type{
	"open": enginewire.Open, "close": enginewire.Close, "ping": enginewire.Ping, "message": enginewire.Message,
}

// TestStreamFrames compares with what engine.io-parser has written and read.
func TestStreamFrames(t *testing.T) {
	var golden struct {
		Written []struct {
			Type   string
			Binary bool
			Length int
			Header string // and what follows it
			Size   int
		}
		Read []struct {
			Stream  string
			Packets []streamPacket
		}
	}
	data, err := os.ReadFile("testdata/streams.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil || len(golden.Written) == 0 || len(golden.Read) == 0 {
		t.Fatal("nothing recorded", err)
	}

	for _, w := range golden.Written {
		m := textPacket(streamTypes[w.Type], map[string]string{"ping": "probe", "message": strings.Repeat("a", w.Length)}[w.Type])
		switch {
		case w.Binary:
			m = NewBinaryMessage([]byte(strings.Repeat("\x07", w.Length)))
		case w.Length == 2: // UTF-16 units
			m = text("안녕")
		}
		got := m.in(stream4)
		if header := hex.EncodeToString(got[:min(12, len(got))]); header != w.Header || len(got) != w.Size {
			t.Errorf("%s of %d, binary %v: %s, %d bytes, want %s, %d bytes", w.Type, w.Length, w.Binary, header, len(got), w.Header, w.Size)
		}
	}
	for _, r := range golden.Read {
		stream, err := hex.DecodeString(r.Stream)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Packets, readPackets(t, stream)); diff != "" {
			t.Errorf("%s: -engine.io +damso\n%s", r.Stream, diff)
		}
	}
}

// readPackets reads a stream as a session does.
func readPackets(t *testing.T, stream []byte) []streamPacket {
	packets := []streamPacket{}
	c := &wsConn{session: &Session{protocol: 4}, frames: frameReader{max: 1000, bare: true}}
	err := c.frames.feed(stream, func(op ws.OpCode, payload []byte) error {
		p, err := c.decode(op == ws.OpBinary, payload)
		if err != nil {
			return err
		}
		packets = append(packets, named(p))
		return nil
	})
	if errors.Is(err, enginewire.ErrPacket) {
		text := "parser error"
		packets = append(packets, streamPacket{Type: "error", Text: &text})
	} else if err != nil {
		t.Error(err)
	}
	return packets
}

func named(p enginewire.Packet) (n streamPacket) {
	for name, typ := range streamTypes {
		if typ == p.Type {
			n.Type = name
		}
	}
	if data := hex.EncodeToString(p.Data); p.Binary {
		n.Hex = &data
	} else if text := string(p.Data); text != "" {
		n.Text = &text
	}
	return n
}
