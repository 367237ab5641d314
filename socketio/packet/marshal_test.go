package packet

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type blob []byte

type file struct {
	Name string `json:"name"`
	Data []byte `json:"data,omitempty"`
	More *file  `json:"more,omitempty"`
	Tags []any  `json:"tags,omitempty"`
	Up   *file  `json:"-"`
	skip []byte
}

type level int

func (l level) MarshalText() ([]byte, error) { return []byte("level " + string('0'+rune(l))), nil }

// secret is made of bytes but says itself how it looks.
type secret []byte

func (secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

type embedded struct {
	blobs
	N int
}

type blobs struct{ B blob }

func args(list ...any) []any { return list }

func TestMarshal(t *testing.T) {
	const p0, p1, p2 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`, `{"_placeholder":true,"num":2}`
	bin := func(parts ...string) (all [][]byte) {
		for _, part := range parts {
			all = append(all, []byte(part))
		}
		return all
	}
	raw := Raw{JSON: []byte(`{"z":1.0, "a":"\ud800","p":[` + p1 + `,` + p0 + `]}`), Attachments: bin("x", "y", "unused")}
	up := &file{Name: "up"}
	up.Up = up
	for _, tt := range []struct {
		args        []any
		want        string
		attachments [][]byte
	}{
		{nil, `["ev"]`, nil},
		{args(nil, true, -1, int64(math.MaxInt64), 1.5, 1e21, "안<녕>&\u2028\"\n"), `["ev",null,true,-1,9223372036854775807,1.5,1e+21,"안<녕>&` + "\u2028" + `\"\n"]`, nil},
		{args("\xff", json.Number("1.0"), level(2), time.UnixMilli(0).UTC()), `["ev","` + "\uFFFD" + `",1.0,"level 2","1970-01-01T00:00:00Z"]`, nil},
		{args(file{Name: "<a>"}, &file{Name: "b"}, up), `["ev",{"name":"<a>"},{"name":"b"},{"name":"up"}]`, nil},
		{args([]byte("x"), []byte(nil), []byte{}, blob("y")), `["ev",` + p0 + `,null,` + p1 + `,` + p2 + `]`, bin("x", "", "y")},
		{args(file{Name: "<a>", Data: []byte("x"), More: &file{Name: "b", Data: []byte("y"), skip: []byte("no")}, Tags: args(1.0, blob("z"))}),
			`["ev",{"name":"<a>","data":` + p0 + `,"more":{"name":"b","data":` + p1 + `},"tags":[1,` + p2 + `]}]`, bin("x", "y", "z")},
		{args(map[string]any{"b": []byte("x"), "a": args(args([]byte("y")))}), `["ev",{"a":[[` + p0 + `]],"b":` + p1 + `}]`, bin("y", "x")},
		{args(map[string][]byte{"a": []byte("x"), "b": nil}, []blob{blob("y")}, [2]byte{1, 2}), `["ev",{"a":` + p0 + `,"b":null},[` + p1 + `],[1,2]]`, bin("x", "y")},
		{args(embedded{blobs{blob("x")}, 1}, secret("s"), []any{secret("s"), []byte("y")}), `["ev",{"B":` + p0 + `,"N":1},"***",["***",` + p1 + `]]`, bin("x", "y")},
		{args(Raw{}, (*Raw)(nil), json.RawMessage(nil), (*file)(nil)), `["ev",null,null,null,null]`, nil},
		{args(json.RawMessage(`{"b":1, "a":2.0}`), Raw{JSON: []byte(`"\ud800"`)}), `["ev",{"b":1, "a":2.0},"\ud800"]`, nil},
		{args(Raw{JSON: []byte(p1)}), `["ev",` + p1 + `]`, nil}, // no binary, so only an object
		{args(raw), `["ev",{"z":1.0, "a":"\ud800","p":[` + p0 + `,` + p1 + `]}]`, bin("y", "x")},
		{args([]byte("a"), &raw), `["ev",` + p0 + `,{"z":1.0, "a":"\ud800","p":[` + p1 + `,` + p2 + `]}]`, bin("a", "y", "x")},
		{args(map[string]any{"r": raw, "s": Raw{}, "t": []byte("a")}), `["ev",{"r":{"z":1.0,"a":"\ud800","p":[` + p0 + `,` + p1 + `]},"s":null,"t":` + p2 + `}]`, bin("y", "x", "a")},
		{args(struct{ R Raw }{Raw{JSON: []byte(`1.00`)}}, map[string]Raw{}), `["ev",{"R":1.00},{}]`, nil},
	} {
		data, attachments, err := Marshal("ev", tt.args...)
		if err != nil || string(data) != tt.want || !cmp.Equal(attachments, tt.attachments) {
			t.Errorf("got  %s %q, error %v\nwant %s %q", data, attachments, err, tt.want, tt.attachments)
		}
		data, _, err = MarshalArgs(tt.args...)
		if want := "[" + strings.TrimPrefix(strings.TrimPrefix(tt.want, `["ev"`), ","); err != nil || string(data) != want {
			t.Errorf("got %s, error %v, want %s", data, err, want)
		}
	}
}

func TestMarshalFaults(t *testing.T) {
	ring := &file{Name: "ring"}
	ring.More = ring
	fake := map[string]any{"_placeholder": true, "num": 0}
	for name, tt := range map[string]struct {
		args []any
		err  error // nil: any
	}{
		"channel":                {args(make(chan int)), nil},
		"channel beside binary":  {args(args(make(chan int), []byte("x"))), nil},
		"not a number":           {args(math.NaN()), nil},
		"ring":                   {args(ring), nil},
		"broken raw":             {args(Raw{JSON: []byte(`{`)}), ErrJSON},
		"two raw values":         {args(Raw{JSON: []byte(`1,2`)}), ErrJSON},
		"raw is not UTF-8":       {args(Raw{JSON: []byte("\"\xff\"")}), ErrJSON},
		"inner raw is not UTF-8": {args(args(json.RawMessage("\"\xff\""))), ErrJSON},
		"deep raw":               {args(Raw{JSON: []byte(strings.Repeat("[", 1e6))}), ErrJSON},
		"raw without its binary": {args(Raw{JSON: []byte(`{"_placeholder":true,"num":1}`), Attachments: [][]byte{{1}}}), ErrPlaceholder},
		"fake beside binary":     {args([]byte("x"), fake), ErrPlaceholder},
		"fake before binary":     {args(fake, []byte("x")), ErrPlaceholder},
		"fake around binary":     {args(map[string]any{"_placeholder": true, "num": 9, "x": []byte("x")}), ErrPlaceholder},
		"raw fake beside binary": {args([]byte("x"), Raw{JSON: []byte(`[{"\u005fplaceholder":true,"num":0}]`)}), ErrPlaceholder},
	} {
		data, attachments, err := Marshal("ev", tt.args...)
		if err == nil || data != nil || attachments != nil || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: %s %q, error %v", name, data, attachments, err)
		} else if !strings.HasPrefix(err.Error(), "packet: ") || strings.Contains(err.Error(), ": packet:") {
			t.Errorf("%s: the error names the package not once: %v", name, err)
		}
	}
	if _, err := json.Marshal(Raw{JSON: []byte("1"), Attachments: [][]byte{{1}}}); err == nil {
		t.Error("Raw with attachments as plain JSON")
	}
}

func TestAppendEvent(t *testing.T) {
	dst := append(make([]byte, 0, 64), "42"...)
	data, _, err := AppendEvent(dst, "안녕", 1)
	if err != nil || string(data) != `42["안녕",1]` || &data[0] != &dst[0] {
		t.Errorf("%s, error %v", data, err)
	}
	first, _, _ := Marshal("first", "value")
	if _, _, err := Marshal("second", "other"); err != nil || string(first) != `["first","value"]` {
		t.Errorf("data of one event is in another's: %s, error %v", first, err)
	}
}

func TestUnmarshal(t *testing.T) {
	attachments := [][]byte{[]byte("x"), []byte("y")}
	arg := []byte(`{"name":"a","data":{"_placeholder":true,"num":1},"more":{"name":"b","data":"eg=="},"tags":[1,{"num":0,"_placeholder":true},{"__proto__":{"a":1}}]}`)

	var f file
	want := file{Name: "a", Data: []byte("y"), More: &file{Name: "b", Data: []byte("z")},
		Tags: args(1.0, []byte("x"), map[string]any{"__proto__": map[string]any{"a": 1.0}})}
	if err := Unmarshal(arg, attachments, &f); err != nil || !cmp.Equal(f, want, cmp.AllowUnexported(file{})) {
		t.Errorf("%+v, error %v", f, err)
	}

	var named struct{ Data blob }
	if err := Unmarshal(arg, attachments, &named); err != nil || string(named.Data) != "y" {
		t.Errorf("%q, error %v", named.Data, err)
	}

	var raw struct{ Data, Tags, Name Raw }
	if err := Unmarshal(arg, attachments, &raw); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(Raw{[]byte(`{"_placeholder":true,"num":0}`), [][]byte{[]byte("y")}}, raw.Data); diff != "" {
		t.Error(diff)
	}
	if raw.Name.Attachments != nil || string(raw.Name.JSON) != `"a"` || len(raw.Tags.Attachments) != 1 {
		t.Errorf("%+v", raw)
	}

	var b []byte
	if err := Unmarshal([]byte(`{"_placeholder":true,"num":0}`), attachments, &b); err != nil || string(b) != "x" {
		t.Errorf("%q, error %v", b, err)
	}
	var v any = 7
	if err := Unmarshal([]byte(`{"_placeholder":true,"num":0}`), attachments, &v); err != nil || !cmp.Equal(v, any([]byte("x"))) {
		t.Errorf("%v, error %v", v, err)
	}
	if err := Unmarshal([]byte(`null`), attachments, &v); err != nil || v != nil {
		t.Errorf("%v, error %v", v, err)
	}
	if err := Unmarshal([]byte(`{"_placeholder":true,"num":0}`), nil, &v); err != nil || !cmp.Equal(v, any(map[string]any{"_placeholder": true, "num": 0.0})) {
		t.Errorf("%v, error %v", v, err)
	}
}

func TestUnmarshalFaults(t *testing.T) {
	var (
		n int
		s string
		b []byte
		v any
		r Raw
	)
	for _, tt := range []struct {
		arg string
		v   any
		err error
	}{
		{`{"_placeholder":true,"num":1}`, &v, ErrPlaceholder},
		{`{"_placeholder":true,"num":1}`, &r, ErrPlaceholder},
		{`{"_placeholder":true,"num":-1}`, &b, ErrPlaceholder},
		{`[{"_placeholder":true,"num":"0"}]`, &v, ErrPlaceholder},
		{`{"_placeholder":true,"num":0}`, &s, nil},
		{`{"_placeholder":true,"num":0}`, &n, nil},
		{`{"_placeholder":false,"num":0}`, &b, nil},
		{`[[{"_placeholder":true,"num":0}]]`, &b, nil},
		{`{"x":{"_placeholder":true,"num":0}}`, &b, nil},
		{`{`, &v, nil},
		{``, &v, nil},
		{`1`, nil, nil},
		{`1`, v, nil},
		{`1`, (*Raw)(nil), nil},
	} {
		if err := Unmarshal([]byte(tt.arg), [][]byte{[]byte("x")}, tt.v); err == nil || tt.err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s into %T: error %v", tt.arg, tt.v, err)
		}
	}
}

// Binary beside other values does not change how these are encoded and decoded.
func FuzzBinaryBeside(f *testing.F) {
	for _, text := range []string{`{"b":[1,"<&>\u2028안"],"a":{"_placeholder":true}}`, `"\ud800"`, `{"_placeholder":true,"num":0}`, `[{"num":0}]`, `1e999`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		if json.Unmarshal(text, &v) != nil || strings.Count(string(text), "[")+strings.Count(string(text), "{") >= MaxDepth-2 {
			return
		}
		data, attachments, err := MarshalArgs(map[string]any{"v": v, "w": []byte("x")})
		if errors.Is(err, ErrPlaceholder) && strings.Contains(string(text), "placeholder") {
			return
		}
		if err != nil || len(attachments) != 1 {
			t.Fatalf("%q: %q, error %v", text, attachments, err)
		}
		var got []struct {
			V any    `json:"v"`
			W []byte `json:"w"`
		}
		if err := Unmarshal(data, attachments, &got); err != nil || string(got[0].W) != "x" || !cmp.Equal(got[0].V, v) {
			t.Fatalf("%q: %s is %v, error %v", text, data, got, err)
		}
	})
}

// No argument from a client makes decoding panic.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"name":"a","data":{"_placeholder":true,"num":1},"more":{"data":"eg=="},"tags":[1,{"_placeholder":true,"num":0}]}`))
	for _, g := range readGolden(f).Decode {
		if elems, err := Split([]byte(strings.TrimLeft(g.Text, "0123456789-"))); err == nil {
			for _, elem := range elems {
				f.Add(elem)
			}
		}
	}
	f.Fuzz(func(t *testing.T, arg []byte) {
		attachments := [][]byte{[]byte("x"), []byte("y")}
		for _, v := range []any{new(any), new(file), new([]byte), new(Raw), new(map[string]blob), new([]Raw)} {
			if err := Unmarshal(arg, attachments, v); err != nil {
				continue
			}
			if _, _, err := MarshalArgs(v); err != nil && !errors.Is(err, ErrPlaceholder) && !errors.Is(err, ErrJSON) {
				t.Fatalf("%q into %T: %v", arg, v, err)
			}
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	type message struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	m := message{"담소", "안녕하세요, 오늘 회의는 세 시에 있습니다."}
	text, _ := json.Marshal(m)
	for name, arg := range map[string]any{
		"struct": m,
		"raw":    Raw{JSON: text},
		"string": m.Text,
		"map":    map[string]any{"name": m.Name, "text": m.Text},
		"binary": map[string]any{"name": m.Name, "data": []byte(m.Text)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Marshal("msgToClient", arg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	var v struct{ Name, Text string }
	arg := []byte(`{"name":"담소","text":"안녕하세요, 오늘 회의는 세 시에 있습니다."}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := Unmarshal(arg, nil, &v); err != nil {
			b.Fatal(err)
		}
	}
}
