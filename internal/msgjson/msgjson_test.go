package msgjson

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPack(t *testing.T) {
	ph := `{"_placeholder":true,"num":0}`
	for name, test := range map[string]struct {
		json string
		bin  []string
		want string // in hex
	}{
		"white space":              {json: " [ 1 , { \"a\" : [ ] } ]\n", want: "92 01 81 a1 61 90"},
		"whole floats":             {json: `[1.0,-2.0e1,1e3,12.50e1,-0.0]`, want: "95 01 ec cd03e8 7d 00"},
		"minus zero":               {json: `[-0]`, want: "91 00"},
		"largest integers":         {json: `[18446744073709551615,-9223372036854775808]`, want: "92 cf ffffffffffffffff d3 8000000000000000"},
		"beyond integers":          {json: `[18446744073709551616,1e300]`, want: "92 cb 43f0000000000000 cb 7e37e43c8800759c"},
		"beyond floats":            {json: `[1e999,-1e999]`, want: "92 cb 7ff0000000000000 cb fff0000000000000"},
		"escapes":                  {json: `["\u0041\u00e9\uac00\ud83d\udc4b\/"]`, want: "91 ab 41 c3a9 eab080 f09f918b 2f"},
		"capital hex":              {json: `["\uAC00"]`, want: "91 a3 eab080"},
		"lone surrogates":          {json: `["\ud800","\udc00\ud800","\ud800\u0041"]`, want: "93 a3 eda080 a6 edb080eda080 a4 eda08041"},
		"escaped key":              {json: `[{"\u0061":1}]`, want: "91 81 a161 01"},
		"placeholder":              {json: "[" + ph + "]", bin: []string{"ab"}, want: "91 c402 6162"},
		"placeholder, other order": {json: `[{"num":0,"_placeholder":true}]`, bin: []string{"ab"}, want: "91 c402 6162"},
		"placeholder, spaced":      {json: `[{ "_placeholder" : true , "num" : 0 }]`, bin: []string{"ab"}, want: "91 c402 6162"},
		"no such attachment":       {json: `[{"_placeholder":true,"num":1}]`, bin: []string{"ab"}, want: "91 82 ac5f706c616365686f6c646572 c3 a36e756d 01"},
		"not a placeholder":        {json: `[{"_placeholder":true,"num":0,"x":0}]`, bin: []string{"ab"}, want: "91 83 ac5f706c616365686f6c646572 c3 a36e756d 00 a178 00"},
		"no attachments":           {json: "[" + ph + "]", want: "91 82 ac5f706c616365686f6c646572 c3 a36e756d 00"},
	} {
		t.Run(name, func(t *testing.T) {
			var bin [][]byte
			for _, b := range test.bin {
				bin = append(bin, []byte(b))
			}
			got, err := new(Packer).Pack(nil, []byte(test.json), bin)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(test.want, " ", ""); hex.EncodeToString(got) != want {
				t.Errorf("\n got %x\nwant %s", got, want)
			}
		})
	}
}

func TestPackErrors(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2)
	ph := `{"_placeholder":true,"num":0}`
	for text, want := range map[string]error{
		"":                        ErrJSON,
		"{}":                      ErrJSON,
		"[":                       ErrJSON,
		"[1":                      ErrJSON,
		"[1 2]":                   ErrJSON,
		"[1]2":                    ErrJSON,
		`["a`:                     ErrJSON,
		`["\`:                     ErrJSON,
		`["\x"]`:                  ErrJSON,
		`["\u12"]`:                ErrJSON,
		`["\u12zz"]`:              ErrJSON,
		`[{1:2}]`:                 ErrJSON,
		`[{"a" 2}]`:               ErrJSON,
		`[{"a":}]`:                ErrJSON,
		`[nul]`:                   ErrJSON,
		`[-]`:                     ErrJSON,
		`[x]`:                     ErrJSON,
		deep:                      ErrDepth,
		"[" + ph + "," + ph + "]": ErrAttachment,
	} {
		dst := []byte("before")
		got, err := new(Packer).Pack(dst, []byte(text), [][]byte{[]byte("ab")})
		if !errors.Is(err, want) {
			t.Errorf("%.20s: %v, want %v", text, err, want)
		}
		if string(got) != "before" {
			t.Errorf("%.20s: dst is %q after an error", text, got)
		}
	}
}

func TestUnpack(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"float32":             {"ca 3dcccccd", "0.10000000149011612"},
		"exponents":           {"93 cb 444b1ae4d6e2ef50 cb 3e7ad7f29abcaf48 cb 3ed4f8b588e368f1", "[1e+21,1e-7,0.000005]"},
		"minus zero":          {"cb 8000000000000000", "0"},
		"integer keys":        {"83 01 02 ff 03 cd1000 04", `{"1":2,"-1":3,"4096":4}`},
		"undefined":           {"94 d40000 83 a161 d40000 a162 01 a163 d40000 81 a161 d40000 00", `[null,{"b":1},{},0]`},
		"unknown extensions":  {"95 d40501 d5050102 d806000102030405060708090a0b0c0d0e0f c7000a c80001 0b 00", "[null,null,null,null,null]"},
		"ArrayBuffer 16, 32":  {"92 c8000100 61 c90000000100 62", `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`},
		"timestamp, 5 bytes":  {"c705ff 0000000000", "null"},
		"date out of range":   {"c70cff 00000000 000007dba8218001", "null"},
		"year 10000":          {"c70cff 00000000 0000003afff44180", `"+010000-01-01T00:00:00.000Z"`},
		"year -1":             {"c70cff 00000000 fffffff1868b8400", `"0000-01-01T00:00:00.000Z"`},
		"year 0":              {"c70cff 3b8b87c0 fffffff1868b83ff", `"-000001-12-31T23:59:59.999Z"`},
		"not UTF-8":           {"a4 61ff62c3", "\"a\ufffdb\ufffd\""},
		"lone surrogates":     {"a7 eda080 61 edbfbf", `"\ud800a\udfff"`},
		"control and quote":   {"a4 01 22 5c 7f", "\"\\u0001\\\"\\\\\x7f\""},
		"empty binary":        {"c400", `{"_placeholder":true,"num":0}`},
		"separators are kept": {"a3 e280a8", "\"\u2028\""},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := hex.DecodeString(strings.ReplaceAll(test.in, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, _, rest, err := new(Unpacker).Unpack(in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want || len(rest) > 0 {
				t.Errorf("got %s, want %s, left %x", got, test.want, rest)
			}
			if !json.Valid(got) {
				t.Error("not JSON")
			}
		})
	}
}

func TestUnpackCutOff(t *testing.T) {
	whole, err := hex.DecodeString(strings.ReplaceAll(
		"9a a161 cb0000000000000000 ca00000000 cd0001 d3ffffffffffffffff c40161 81a16101 c70cff000000000000000000000000 d7000000000000000000 c90000000100 62", " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	var u Unpacker
	if _, _, _, err := u.Unpack(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if got, _, _, err := u.Unpack(whole[:n:n]); err == nil {
			t.Errorf("%d bytes were taken: %s", n, got)
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte(`["msgToClient",{"name":"연우","text":"안녕하세요 👋🏽"},{"_placeholder":true,"num":0}]`), []byte("attachment"))
	f.Add([]byte(`["e",[0,-1,127,128,65536,4294967296,0.1,1.5e-7,1e+21],true,false,null,[],{},""]`), []byte{})
	f.Add([]byte(`["\ud800\udc00\udc00",1e5,-0.0,{"a":{"_placeholder":true,"num":0}}]`), []byte{})
	f.Add([]byte(`[[6E666 ]]`), []byte{})
	f.Add([]byte("[{\"\":\"\xeb\x85\x95\xed\xb5\x98\"}]"), []byte{}) // half a surrogate pair, which is not UTF-8
	f.Fuzz(func(t *testing.T, text, attachment []byte) {
		var p Packer
		packed, err := p.Pack(nil, text, [][]byte{attachment})
		if err != nil || !json.Valid(text) {
			return
		}
		var u Unpacker
		got, bin, rest, err := u.Unpack(packed)
		if err != nil || len(rest) > 0 {
			t.Fatalf("what was written cannot be read: %v, %x left", err, rest)
		}
		// The JSON is the same value; it is the same text after one more journey.
		first := string(got)
		if len(bin) == 0 && utf8.Valid(text) && !sameJSON(t, text, got) {
			t.Fatalf("%s\nbecame %s", text, got)
		}
		if packed, err = p.Pack(packed[:0], []byte(first), bin); err != nil {
			t.Fatal(err)
		}
		if got, _, _, err = u.Unpack(packed); err != nil || string(got) != first {
			t.Fatalf("%s\nbecame %s, %v", first, got, err)
		}
	})
}

// sameJSON compares what encoding/json understands. JSON has larger numbers than
// float64: they become null, as they do in JavaScript, and are not compared.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var va, vb any
	if json.Unmarshal(a, &va) != nil {
		return true
	}
	if err := json.Unmarshal(b, &vb); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(va, vb)
}

func TestAppendDateTruncates(t *testing.T) {
	for ms, want := range map[float64]string{
		0.9:        `"1970-01-01T00:00:00.000Z"`,
		-0.9:       `"1970-01-01T00:00:00.000Z"`,
		-1:         `"1969-12-31T23:59:59.999Z"`,
		maxDate:    `"+275760-09-13T00:00:00.000Z"`,
		-maxDate:   `"-271821-04-20T00:00:00.000Z"`,
		math.NaN(): "null",
	} {
		if got := string(appendDate(nil, ms)); got != want {
			t.Errorf("%v: %s, want %s", ms, got, want)
		}
	}
}
