package packet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The golden file has what socket.io-parser writes and reads; test/golden has the
// script that records it. In data, {"$binary": base64} stands for bytes.
type goldenFile struct {
	Encode []goldenPacket
	Decode []struct {
		Text string
		JS   *goldenPacket `json:"4.2"` // nil: the parser throws
	}
}

type goldenPacket struct {
	Parser      string // version of socket.io-parser
	Type        Type
	Nsp         string
	ID          *float64
	Data        any
	Attachments int
	Frames      []struct {
		Text   *string
		Binary []byte
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
	if len(f.Encode) == 0 || len(f.Decode) == 0 {
		t.Fatal("golden file is not complete")
	}
	return f
}

func (g goldenPacket) text() string { return *g.Frames[0].Text }

func (g goldenPacket) attachments() [][]byte {
	var all [][]byte
	for _, f := range g.Frames[1:] {
		all = append(all, append([]byte{}, f.Binary...))
	}
	return all
}

// check compares p with what the parser has.
func (g goldenPacket) check(t *testing.T, text string, p Packet, attachments [][]byte) {
	t.Helper()
	nsp, query, _ := strings.Cut(g.Nsp, "?")
	if p.Namespace != nsp || p.Query != query || p.HasID != (g.ID != nil) || g.ID != nil && p.ID != uint64(*g.ID) {
		t.Errorf("%s: %+v", text, p)
	}
	if diff := cmp.Diff(g.Data, plain(decodeData(t, p, attachments))); diff != "" {
		t.Errorf("%s: data (-want +got):\n%s", text, diff)
	}
}

// decodeData decodes p's data, arrays argument by argument as a server does.
func decodeData(t testing.TB, p Packet, attachments [][]byte) any {
	t.Helper()
	if p.Data == nil {
		return nil
	}
	if p.Data[0] != '[' {
		var v any
		if err := Unmarshal(p.Data, attachments, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	elems, err := Split(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	args := []any{}
	for _, elem := range elems {
		var v any
		if err := Unmarshal(elem, attachments, &v); err != nil {
			t.Fatal(err)
		}
		args = append(args, v)
	}
	return args
}

// plain replaces bytes in v by {"$binary": base64}.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$binary": base64.StdEncoding.EncodeToString(v)}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	}
	return v
}

// What the JavaScript parsers write is read as it was meant.
func TestReadWhatParsersWrite(t *testing.T) {
	for _, g := range readGolden(t).Encode {
		p, err := Decode([]byte(g.text()), 10)
		if err != nil {
			t.Errorf("%s: %s: %v", g.Parser, g.text(), err)
			continue
		}
		if p.Type != g.Type || p.Attachments != len(g.Frames)-1 {
			t.Errorf("%s: %s: %+v", g.Parser, g.text(), p)
		}
		g.check(t, g.text(), p, g.attachments())

		want := g.text()
		if strings.HasPrefix(g.Parser, "2.") && p.Data == nil && p.Namespace != "/" {
			want += "," // 2.x leaves it out at the end
		}
		if got := string(p.Append([]byte("x"))); got != "x"+want {
			t.Errorf("%s: %s: written again as %s", g.Parser, want, got)
		}
	}
}

// We write what the JavaScript parsers write, byte for byte: from Go values, and
// from arguments passed on as they came.
func TestWriteWhatParsersWrite(t *testing.T) {
	for _, g := range readGolden(t).Encode {
		p, err := Decode([]byte(g.text()), 10)
		if err != nil || p.Data == nil || p.Data[0] != '[' {
			continue
		}
		elems, _ := Split(p.Data)
		var raws, values []any
		for _, elem := range elems {
			var raw Raw
			var v any
			if err := Unmarshal(elem, g.attachments(), &raw); err != nil {
				t.Fatal(err)
			}
			if err := Unmarshal(elem, g.attachments(), &v); err != nil {
				t.Fatal(err)
			}
			raws, values = append(raws, raw), append(values, v)
		}
		for _, args := range [][]any{raws, values} {
			data, attachments, err := MarshalArgs(args...)
			if err != nil {
				t.Errorf("%s: %v", g.text(), err)
			}
			if lone := strings.Contains(g.text(), `\ud`); lone && reflect.TypeOf(args[0]) != rawType {
				continue // Go strings can't hold half a surrogate pair
			}
			if !bytes.Equal(data, p.Data) || !cmp.Equal(attachments, g.attachments()) {
				t.Errorf("%s: %s: written again as %s %q", g.Parser, g.text(), data, attachments)
			}
		}
	}
}

// Texts that socket.io-parser 4.2 accepts and we refuse, with the reason.
var stricter = map[string]string{
	"":                              "no type",
	"2":                             "no event name",
	"3":                             "no array",
	"21":                            "no event name",
	"31":                            "no array",
	"51-":                           "no event name",
	`51e1-["a"]`:                    "the number of attachments is not plain",
	`2 ["a"]`:                       "space is no id",
	`2 1["a"]`:                      "space is no id",
	`2/chat["a"]`:                   "no event name",
	"51-/chat,":                     "no event name",
	`29007199254740993["a"]`:        "the id is not safe in JavaScript",
	`299999999999999999999999["a"]`: "the id is not safe in JavaScript",
	`5 1-["a",{"_placeholder":true,"num":0}]`:  "the number of attachments is not plain",
	`51-["a",{"_placeholder":true,"num":0.5}]`: "there is no half an attachment",
}

// Texts that socket.io-parser 4.2 refuses and we accept, with the reason.
var looser = map[string]string{
	`50-["a"]`: "2.x parsers read it as an event without attachments",
}

// Of a table of texts, many of them broken, we accept what socket.io-parser 4.2
// does but for what is listed.
func TestDecodeAsParserDoes(t *testing.T) {
	for _, g := range readGolden(t).Decode {
		p, err := Decode([]byte(g.Text), 10)
		switch {
		case err == nil && stricter[g.Text] != "" || err != nil && looser[g.Text] != "":
			t.Errorf("%s: error %v; the list of differences says otherwise", g.Text, err)
		case err == nil && g.JS == nil && looser[g.Text] == "":
			t.Errorf("%s: accepted as %+v", g.Text, p)
		case err != nil && g.JS != nil && stricter[g.Text] == "":
			t.Errorf("%s: %v; the parser has %+v", g.Text, err, *g.JS)
		case err == nil && g.JS != nil:
			var attachments [][]byte
			for i := range p.Attachments {
				attachments = append(attachments, []byte{byte(i)}) // as in the script
			}
			if p.Attachments != g.JS.Attachments {
				t.Errorf("%s: %+v", g.Text, p)
			}
			g.JS.check(t, g.Text, p, attachments)
		}
	}
}
