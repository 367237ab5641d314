package redis

import (
	"bytes"
	"testing"

	"github.com/damso/damso/adapter/members"
)

var sender = members.Node{ID: "aB3-_z", Instance: 0x0102030405060708}

func TestLetter(t *testing.T) {
	b := appendLetter(nil, letterBeat, sender, []byte("host"))
	if want := "baB3-_z\x01\x02\x03\x04\x05\x06\x07\x08host"; string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
	for name, b := range map[string]string{
		"empty":      "",
		"too short":  "baB3-_z\x01\x02\x03\x04\x05\x06\x07",
		"other kind": "xaB3-_z\x01\x02\x03\x04\x05\x06\x07\x08",
		"no id":      "baB3-_ \x01\x02\x03\x04\x05\x06\x07\x08",
	} {
		if l, err := readLetter([]byte(b)); err == nil {
			t.Errorf("%s: it was taken: %+v", name, l)
		}
	}
}

func FuzzReadLetter(f *testing.F) {
	for _, kind := range []letterKind{letterBeat, letterBye, letterMessage, 'x'} {
		f.Add(appendLetter(nil, kind, sender, []byte("body")))
		f.Add(appendLetter(nil, kind, sender, nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := readLetter(b)
		if err != nil {
			return
		}
		if again := appendLetter(nil, l.kind, l.from, l.body); !bytes.Equal(again, b) {
			t.Errorf("%q became %q", b, again)
		}
	})
}
