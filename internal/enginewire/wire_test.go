package enginewire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodePacket4(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Packet
		err  error
	}{
		{"4hello", Packet{Type: Message, Data: []byte("hello")}, nil},
		{"4", Packet{Type: Message}, nil},
		{"2probe", Packet{Type: Ping, Data: []byte("probe")}, nil},
		{"4a\x1e4b", Packet{Type: Message, Data: []byte("a\x1e4b")}, nil}, // a frame is one packet
		{"bAQID", Packet{Type: Message, Binary: true, Data: []byte{1, 2, 3}}, nil},
		{"bAQ", Packet{Type: Message, Binary: true, Data: []byte{1}}, nil},
		{"b", Packet{Type: Message, Binary: true}, nil},
		{"", Packet{}, ErrPacket},
		{"7", Packet{}, ErrPacket},
		{"x", Packet{}, ErrPacket},
		{"bA", Packet{}, ErrPacket},
		{"b****", Packet{}, ErrPacket},
		{"4\xff", Packet{}, ErrPacket},
		{"4\xed\xa0\x80", Packet{}, ErrPacket},
	} {
		got, err := DecodePacket4([]byte(tt.text))
		if !errors.Is(err, tt.err) {
			t.Errorf("%q: error %v, want %v", tt.text, err, tt.err)
		} else if err := equalPackets([]Packet{got}, []Packet{tt.want}); err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func TestPayloadFaults(t *testing.T) {
	for _, tt := range []struct {
		form, body string
		err        error
	}{
		{"v4", "", ErrPayload},
		{"v4", "\x1e", ErrPayload},
		{"v4", "4a\x1e", ErrPayload},
		{"v4", "4a\x1e9", ErrPayload},
		{"v4", "4\xff", ErrPayload},
		{"v4", strings.Repeat("4\x1e", 100) + "4", ErrTooManyPackets},
		{"v3 text", "", ErrPayload},
		{"v3 text", "4", ErrPayload},
		{"v3 text", "1:44", ErrPayload},
		{"v3 text", "2:4👍", ErrPayload}, // in the middle of a surrogate pair
		{"v3 text", "2:4\xff", ErrPayload},
		{"v3 text", "0x2:4a", ErrPayload},
		{"v3 text", "99999999999999999999999:4a", ErrPayload},
		{"v3 text", strings.Repeat("1:4", 101), ErrTooManyPackets},
		{"v3 binary", "\x00", ErrPayload},
		{"v3 binary", "\x02\x01\xff4", ErrPayload},
		{"v3 binary", "\x00\x02\xff4\xff", ErrPayload},
		{"v3 binary", "\x01\x01\xff4", ErrPayload}, // the type of binary is 4, not '4'
		{"v3 binary", strings.Repeat("\x00\x01\xff4", 101), ErrTooManyPackets},
	} {
		got, err := decodeForm(tt.form, []byte(tt.body), 100)
		if !errors.Is(err, tt.err) || got != nil {
			t.Errorf("%s: %.20q: %v, error %v, want %v", tt.form, tt.body, got, err, tt.err)
		}
		if err != nil && strings.Count(err.Error(), "enginewire:") != 1 {
			t.Errorf("the error names the package not once: %v", err)
		}
	}
}

func TestUndoDoubleUTF8(t *testing.T) {
	double := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			b.WriteRune(rune(s[i]))
		}
		return b.String()
	}
	for _, tt := range []struct {
		in, out string
		was     bool
	}{
		{"", "", false},
		{"plain", "plain", false},
		{"안녕", "안녕", false},
		{"é", "é", false},
		{"Ã©", "é", true}, // what a 2.x client may have meant, for once
		{double("안녕 a 👋"), "안녕 a 👋", true},
		{double("안녕") + "안", double("안녕") + "안", false},
		{double("안녕") + "é", double("안녕") + "é", false},
		{double("\xed\xa0\x80x"), "\uFFFDx", true},
		{double("\xc0\x80"), double("\xc0\x80"), false},
		{"\xff", "\xff", false},
		{"\xc3", "\xc3", false},
	} {
		got, was := UndoDoubleUTF8([]byte(tt.in))
		if string(got) != tt.out || was != tt.was {
			t.Errorf("%q: got %q, %t", tt.in, got, was)
		}
	}
}

func TestEscapeNonASCII(t *testing.T) {
	for in, want := range map[string]string{
		`["a\n"]`: `["a\n"]`,
		`"안"`:     `"\uc548"`,
		`"👋"`:     `"\ud83d\udc4b"`,
		"\x7fÿ":   "\x7f\\u00ff",
		"\xff":    `\ufffd`,
		"\uFFFF":  `\uffff`,
	} {
		if got := string(EscapeNonASCII([]byte("x"), []byte(in))); got != "x"+want {
			t.Errorf("%q: got %s, want x%s", in, got, want)
		}
	}
}

// Whatever is decoded can be encoded, and comes back the same.
func FuzzPayload(f *testing.F) {
	forms := []string{"v4", "v3 text", "v3 binary"}
	file := readGolden(f)
	for _, g := range append(file.Encode, file.Decode...) {
		for i, form := range forms {
			if g.Form == form {
				f.Add(byte(i), g.Body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		form := forms[int(which)%len(forms)]
		before := bytes.Clone(body)
		packets, err := decodeForm(form, body, 50)
		if !bytes.Equal(before, body) {
			t.Fatal("decoding changed the body")
		}
		if err != nil {
			return
		}
		if len(packets) > 50 {
			t.Fatalf("%d packets", len(packets))
		}
		for _, p := range packets {
			if !p.Type.valid() || p.Binary && p.Type != Message || !p.Binary && !utf8.Valid(p.Data) {
				t.Fatalf("%s: bad packet %v", form, p)
			}
		}
		if len(packets) == 0 {
			return
		}
		again, err := decodeForm(form, encodeForm(form, packets), 50)
		if err != nil {
			t.Fatalf("%s: %v of %q, which was %q", form, err, encodeForm(form, packets), body)
		}
		if err := equalPackets(again, packets); err != nil {
			t.Fatalf("%s: %v", form, err)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"안녕", "Ã©", "\xff", "é", "\xc3\xad\xc2\xa0\xc2\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		before := bytes.Clone(s)
		got, was := UndoDoubleUTF8(s)
		if was && !utf8.Valid(got) || !was && !bytes.Equal(got, s) || len(got) > len(s) || !bytes.Equal(before, s) {
			t.Fatalf("%q: got %q, %t", s, got, was)
		}
		for _, c := range EscapeNonASCII(nil, s) {
			if c >= utf8.RuneSelf {
				t.Fatalf("%q is not ASCII", EscapeNonASCII(nil, s))
			}
		}
	})
}

func BenchmarkDecodePayload4(b *testing.B) {
	body := []byte(`42["msgToServer",{"name":"담소","text":"안녕하세요"}]` + "\x1e2")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePayload4(body, 100); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendPacket3(b *testing.B) {
	p := Packet{Type: Message, Data: []byte(`2["msgToServer",{"name":"담소","text":"안녕하세요"}]`)}
	for name, appendPacket := range map[string]func([]byte, Packet) []byte{"text": AppendPacket3Text, "binary": AppendPacket3Binary} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = appendPacket(buf[:0], p)
			}
		})
	}
}
