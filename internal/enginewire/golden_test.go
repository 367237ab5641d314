package enginewire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// A golden is what a version of engine.io-parser wrote or read; test/golden has
// the script that records it.
type golden struct {
	Parser  string         // version of engine.io-parser
	Form    string         // "v4", "v3 text" or "v3 binary"
	Packets []goldenPacket // nil: the parser found fault with Body
	Body    []byte
}

type goldenPacket struct {
	Type   string
	Binary bool
	Data   []byte
}

type goldenFile struct {
	Encode, Decode []golden
	Escaped        []struct {
		JSON  []byte
		ASCII string
	}
}

func readGolden(t testing.TB) (f goldenFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Encode) == 0 || len(f.Decode) == 0 || len(f.Escaped) == 0 {
		t.Fatal("golden file is not complete")
	}
	return f
}

var typeNames = map[string]Type{"open": Open, "close": Close, "ping": Ping, "pong": Pong, "message": Message, "upgrade": Upgrade, "noop": Noop}

func (g golden) packets() []Packet {
	var packets []Packet
	for _, p := range g.Packets {
		packets = append(packets, Packet{typeNames[p.Type], p.Binary, p.Data})
	}
	return packets
}

func decodeForm(form string, body []byte, maxPackets int) ([]Packet, error) {
	switch form {
	case "v4":
		return DecodePayload4(body, maxPackets)
	case "v3 text":
		return DecodePayload3(body, false, maxPackets)
	case "v3 binary":
		return DecodePayload3(body, true, maxPackets)
	}
	panic(form)
}

func encodeForm(form string, packets []Packet) (body []byte) {
	for i, p := range packets {
		switch form {
		case "v4":
			if i > 0 {
				body = append(body, Separator4)
			}
			body = AppendPacket4(body, p)
		case "v3 text":
			body = AppendPacket3Text(body, p)
		case "v3 binary":
			body = AppendPacket3Binary(body, p)
		}
	}
	return body
}

func equalPackets(a, b []Packet) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d packets, want %d", len(a), len(b))
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].Binary != b[i].Binary || !bytes.Equal(a[i].Data, b[i].Data) {
			return fmt.Errorf("packet %d is %v, want %v", i, a[i], b[i])
		}
	}
	return nil
}

// What the JavaScript parsers write is read as it was meant.
func TestReadWhatParsersWrite(t *testing.T) {
	for _, g := range readGolden(t).Encode {
		got, err := decodeForm(g.Form, g.Body, 100)
		if err != nil {
			t.Errorf("%s, %s: %q: %v", g.Parser, g.Form, g.Body, err)
			continue
		}
		doubled := g.Form == "v3 text" && g.Parser < "2"
		for i, p := range got {
			if p.Binary {
				continue
			}
			text, was := UndoDoubleUTF8(p.Data)
			if was != (doubled && bytes.ContainsFunc(text, func(r rune) bool { return r > 0x7f })) {
				t.Errorf("%s, %s: %q: UTF-8 twice: %t", g.Parser, g.Form, p.Data, was)
			}
			got[i].Data = text
		}
		if err := equalPackets(got, g.packets()); err != nil {
			t.Errorf("%s, %s: %q: %v", g.Parser, g.Form, g.Body, err)
		}
	}
}

// We write what the JavaScript parsers write, byte for byte, but for the text that
// 1.x ones encode twice.
func TestWriteWhatParsersWrite(t *testing.T) {
	for _, g := range readGolden(t).Encode {
		if g.Parser < "2" && (g.Form == "v3 text" || bytes.Contains(g.Body, []byte("\xed\xa0\x80"))) {
			continue // 1.3 writes half a pair of surrogates as no UTF-8 should
		}
		if got := encodeForm(g.Form, g.packets()); !bytes.Equal(got, g.Body) {
			t.Errorf("%s, %s: got\n%q, want\n%q", g.Parser, g.Form, got, g.Body)
		}
	}
}

// The script has made sure that 1.x and 2.x parsers read the ASCII forms.
func TestEscapeNonASCIIAsRecorded(t *testing.T) {
	for _, g := range readGolden(t).Escaped {
		if got := EscapeNonASCII(nil, g.JSON); string(got) != g.ASCII {
			t.Errorf("%s: got %s, want %s", g.JSON, got, g.ASCII)
		}
	}
}

// Bodies that engine.io-parser reads and we refuse: frames that are cut short.
var stricter = map[string]bool{
	"\x00\x03\xff4a":   true,
	"\x01\x09\xff\x04": true,
	"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4": true,
}

// Of a table of bodies, many of them broken, we accept no more than the JavaScript
// parsers do, and as much but for what is listed.
func TestDecodeAsParsersDo(t *testing.T) {
	for _, g := range readGolden(t).Decode {
		got, err := decodeForm(g.Form, g.Body, 100)
		switch {
		case stricter[string(g.Body)]:
			if err == nil {
				t.Errorf("%s: %q: accepted as %v, take it out of the list", g.Form, g.Body, got)
			}
		case err == nil && g.Packets == nil:
			t.Errorf("%s: %q: accepted as %v", g.Form, g.Body, got)
		case err != nil && g.Packets != nil:
			t.Errorf("%s: %q: %v; the parser has %v", g.Form, g.Body, err, g.packets())
		case err == nil:
			if err := equalPackets(got, g.packets()); err != nil {
				t.Errorf("%s: %q: %v", g.Form, g.Body, err)
			}
		}
	}
}
