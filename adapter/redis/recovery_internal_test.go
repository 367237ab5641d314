package redis

import (
	"reflect"
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// someSession has something in every field that is written.
func someSession() *adapter.Session {
	here := adapter.Place{Node: "abcdef", Own: 5, Seen: 1 << 47}
	return &adapter.Session{
		ID: "id", Data: adapter.Event{Data: []byte(`{"a":1}`), Attachments: [][]byte{{1, 255}}},
		Born: adapter.Place{Node: "before", Own: 1, Seen: 2}, Base: here,
		Known: adapter.Place{Node: "before", Own: 3}, Unlogged: adapter.Logged{Node: "abcdef", Own: 4},
		Stays: []adapter.Stay{{Room: "안녕", From: here}, {Room: "", From: adapter.Place{Node: "before"}, To: here}},
	}
}

// FuzzDecodeSession holds that what is decoded is what was encoded.
func FuzzDecodeSession(f *testing.F) {
	f.Add(appendSession(nil, &adapter.Session{}))
	f.Add(appendSession(nil, someSession()))
	f.Add([]byte{0x99, 1, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSession(b)
		if err != nil {
			return
		}
		again, err := decodeSession(appendSession(nil, s))
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%+v became %+v, error %v", s, again, err)
		}
	})
}

// FuzzReadLog takes what a script returns, from a Redis that anybody may have written to.
func FuzzReadLog(f *testing.F) {
	k := &kept{namespace: newNamespace(New(rueidis.ClientOption{}, Options{}), "/", nil)}
	op := &adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{"a"}, Event: adapter.Event{Data: []byte(`["e",1]`)}}
	op.Logged.Own = 7
	c := k.a.newCodec()
	message, err := c.appendBroadcast(nil, "abcdef", "/", packetEvent, op, "")
	if err != nil {
		f.Fatal(err)
	}
	message = append(message, "\xaf112215460607335"...)
	f.Add("112215460607335", string(message))
	f.Add("0", "")
	f.Add("281474976710656", "\xaf000000000000000")
	f.Fuzz(func(t *testing.T, n, message string) {
		log, err := k.readLog([]string{n, message})
		at, ok := lastNumber([]byte(message))
		if err != nil || len(log.Events) == 0 {
			return
		}
		if l := log.Events[0].Logged; l.N == 0 || l.N >= 1<<48 || ok && at >= 1<<48 {
			t.Errorf("numbered %+v, %d", l, at)
		}
	})
}

func TestParseBase(t *testing.T) {
	for text, want := range map[string]adapter.Place{
		"abcdef:5:7": {Node: "abcdef", Own: 5, Seen: 7}, "": {}, "a:b": {}, "a:1:x": {}, "a:-1:1": {}, "a:1:281474976710656": {},
	} {
		if got, err := parseBase(text); (err == nil) != (want.Node != "") || err == nil && got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
