package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	for text, want := range map[string]Packet{
		`0`:                            {Type: Connect, Namespace: "/"},
		`0/chat?username=담소&x=,`:       {Type: Connect, Namespace: "/chat", Query: "username=담소&x="},
		`0/?token=1`:                   {Type: Connect, Namespace: "/", Query: "token=1"},
		`0/chat?`:                      {Type: Connect, Namespace: "/chat"},
		`2/chat?x,["a"]`:               {Type: Event, Namespace: "/chat?x", Data: []byte(`["a"]`)}, // a query is for Connect
		`0/chat,{"token":"1"}`:         {Type: Connect, Namespace: "/chat", Data: []byte(`{"token":"1"}`)},
		`1/chat,`:                      {Type: Disconnect, Namespace: "/chat"},
		`2/a,007["a", 1 ] ` + "\n":     {Type: Event, Namespace: "/a", ID: 7, HasID: true, Data: []byte(`["a", 1 ]`)},
		`30[]`:                         {Type: Ack, Namespace: "/", HasID: true, Data: []byte(`[]`)},
		`4/chat,"no"`:                  {Type: ConnectError, Namespace: "/chat", Data: []byte(`"no"`)},
		`50-["a"]`:                     {Type: Event, Namespace: "/", Data: []byte(`["a"]`)},
		`60-1[]`:                       {Type: Ack, Namespace: "/", ID: 1, HasID: true, Data: []byte(`[]`)},
		`52-/a,1["a"]`:                 {Type: BinaryEvent, Namespace: "/a", ID: 1, HasID: true, Data: []byte(`["a"]`), Attachments: 2},
		`2["a",{"_placeholder":true}]`: {Type: Event, Namespace: "/", Data: []byte(`["a",{"_placeholder":true}]`)},
	} {
		got, err := Decode([]byte(text), 2)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	deep := func(n int) string { return `2["a",` + strings.Repeat("[", n) + strings.Repeat("]", n) + "]" }
	if _, err := Decode([]byte(deep(MaxDepth-1)), 0); err != nil {
		t.Errorf("at the largest depth: %v", err)
	}
	for _, tt := range []struct {
		text string
		err  error
	}{
		{"", ErrPacket},
		{"7", ErrPacket},
		{"\xff", ErrPacket},
		{`2["a"`, ErrJSON},
		{"2[\"\xff\"]", ErrJSON},
		{"2[\"\xed\xa0\x80\"]", ErrJSON},
		{deep(MaxDepth), ErrJSON},
		{"2" + strings.Repeat(`[{"a":`, 100_000), ErrJSON},
		{`2{"a":1}`, ErrPacket},
		{`2[]`, ErrPacket},
		{`2[{}]`, ErrPacket},
		{`2["disconnect"]`, ErrReservedEvent},
		{`2["\u0063onnect"]`, ErrReservedEvent},
		{`51-["disconnect"]`, ErrReservedEvent},
		{`2` + "9007199254740992" + `["a"]`, ErrPacket},
		{`3`, ErrPacket},
		{`1{}`, ErrPacket},
		{`0[]`, ErrPacket},
		{`4[]`, ErrPacket},
		{`0/` + strings.Repeat("a", MaxNamespace), ErrPacket},
		{`0/a?` + strings.Repeat("a", MaxQuery+1), ErrPacket},
		{"0/\xff", ErrPacket},
		{"0/a?\xff", ErrPacket},
		{`53-["a"]`, ErrAttachments},
		{`5` + strings.Repeat("9", 100) + `-["a"]`, ErrAttachments},
		{`5-["a"]`, ErrPacket},
		{`51["a"]`, ErrPacket},
		{`51-["a",{"_placeholder":true,"num":1}]`, ErrPlaceholder},
		{`51-["a",{"_placeholder":true,"num":"0"}]`, ErrPlaceholder},
		{`51-["a",[{"x":{"num":-1,"_placeholder":true}}]]`, ErrPlaceholder},
		{`51-["a",{"\u005fplaceholder":true,"num":0.5}]`, ErrPlaceholder},
		{`51-["a",{"_placeholder":true,"num":18446744073709551616}]`, ErrPlaceholder},
		{`51-["a",{"_placeholder":true,"num":{"length":1}}]`, ErrPlaceholder},
	} {
		p, err := Decode([]byte(tt.text), 2)
		if !errors.Is(err, tt.err) {
			t.Errorf("%.60s: error %v, want %v", tt.text, err, tt.err)
		} else if strings.Contains(err.Error(), ": packet:") || !cmp.Equal(p, Packet{}) {
			t.Errorf("%.60s: %+v, error %v", tt.text, p, err)
		}
	}
}

func TestSplit(t *testing.T) {
	for array, want := range map[string][]string{
		`[]`:                               nil,
		` [ ] `:                            nil,
		`[1]`:                              {`1`},
		"[ \"a,]\" ,\t{\"b\": [1, 2]} \n]": {`"a,]"`, `{"b": [1, 2]}`},
		`["\"]",[[]],{},null]`:             {`"\"]"`, `[[]]`, `{}`, `null`},
	} {
		elems, err := Split([]byte(array))
		var got []string
		for _, elem := range elems {
			got = append(got, string(elem))
		}
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %q, error %v", array, got, err)
		}
	}
	for _, array := range []string{"", "{}", "[", "[1", "[1,", "[1 2]", "[,]", `["`, "[tru]", "null"} {
		if elems, err := Split([]byte(array)); !errors.Is(err, ErrJSON) {
			t.Errorf("%s: %q, error %v", array, elems, err)
		}
	}
}

func TestEventName(t *testing.T) {
	for array, want := range map[string]string{`["안녕",1]`: "안녕", `["\u0061\n",1]`: "a\n", `[12,1]`: "12", `[-1.5,1]`: "-1.5"} {
		name, rest, err := EventName([]byte(array))
		if err != nil || name != want || len(rest) != 1 || string(rest[0]) != "1" {
			t.Errorf("%s: %q, %q, error %v", array, name, rest, err)
		}
	}
	for _, array := range []string{`[]`, `[null]`, `[["a"]]`, `[true]`, `{}`, ``} {
		if name, _, err := EventName([]byte(array)); err == nil {
			t.Errorf("%s: %q", array, name)
		}
	}
}

// Everything that Decode accepts can be taken apart, put together and passed on.
func FuzzDecode(f *testing.F) {
	file := readGolden(f)
	for _, g := range file.Decode {
		f.Add([]byte(g.Text))
	}
	for _, g := range file.Encode {
		f.Add([]byte(g.text()))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Decode(text, 10)
		if err != nil {
			return
		}
		again, err := Decode(p.Append(nil), 10)
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Fatalf("%q: error %v (-first +again):\n%s", text, err, diff)
		}
		if p.Data == nil || p.Data[0] != '[' {
			return
		}
		if p.Type == Event || p.Type == BinaryEvent {
			if name, _, err := EventName(p.Data); err != nil || Reserved(name) {
				t.Fatalf("%q: name %q, error %v", text, name, err)
			}
		}
		passOn(t, p)
	})
}

// passOn sends p's arguments on, raw and decoded.
func passOn(t *testing.T, p Packet) {
	elems, err := Split(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	var attachments [][]byte
	for i := range p.Attachments {
		attachments = append(attachments, []byte{byte(i)})
	}
	var raws []any
	for _, elem := range elems {
		var raw Raw
		if err := Unmarshal(elem, attachments, &raw); err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
		var v any
		if err := Unmarshal(elem, attachments, &v); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal number") {
				return // 1e999
			}
			t.Fatal(err)
		}
	}
	data, all, err := MarshalArgs(raws...)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := decodeRaw(t, data, all), decodeRaw(t, p.Data, attachments); got != want {
		t.Fatalf("passed on %q as %q", want, got)
	}
}

// decodeRaw gives an array in a form that can be compared.
func decodeRaw(t *testing.T, data []byte, attachments [][]byte) string {
	var v any
	if err := Unmarshal(data, attachments, &v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", v)
}

// The scanner accepts what encoding/json does.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0.5e+7,true,false,null,"\u00e9\n"]}`, `[`, `{"a"}`, `{,}`, `01`, `-`, `"\x"`, "\"\x01\"", ` 1 `, `1 2`, ``} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > MaxDepth {
			return
		}
		if got, want := validJSON(text), json.Valid(text); got != want {
			t.Fatalf("%q: valid %t, want %t", text, got, want)
		}
		if _, err := findPlaceholders(text); err != nil && validJSON(text) {
			t.Fatalf("%q: %v", text, err)
		}
		if elems, err := Split(text); err == nil && len(elems) > len(text) {
			t.Fatalf("%q: %q", text, elems)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for name, text := range map[string]string{
		"event":  `2/chat,12["msgToServer",{"name":"담소","text":"안녕하세요, 오늘 회의는 세 시에 있습니다."}]`,
		"root":   `2["msgToServer",{"name":"damso","text":"the meeting is at three"}]`,
		"binary": `51-/chat,["file",{"name":"a.png","data":{"_placeholder":true,"num":0}}]`,
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := Decode(text, 10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEventName(b *testing.B) {
	array := []byte(`["msgToServer",{"name":"담소","text":"안녕하세요, 오늘 회의는 세 시에 있습니다."}]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := EventName(array); err != nil {
			b.Fatal(err)
		}
	}
}
