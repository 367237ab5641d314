package redis

import (
	"encoding/base64"
	"reflect"
	"testing"

	"github.com/damso/damso/adapter"
)

// FuzzDecodeStreamSession holds that what is decoded is what was encoded.
func FuzzDecodeStreamSession(f *testing.F) {
	full := &adapter.StreamSession{
		PID: "pid", ID: "id", Rooms: []string{"id", "방"},
		Data: adapter.Event{Data: []byte(`{"a":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{1, 255}}},
	}
	for _, s := range []*adapter.StreamSession{full, {ID: "id"}} {
		b, err := appendStreamSession(nil, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x84, 0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeStreamSession(b)
		if err != nil {
			return
		}
		b, err = appendStreamSession(nil, s)
		if err != nil {
			return // JSON that can't be packed
		}
		again, err := decodeStreamSession(b)
		if err != nil || again.ID != s.ID || again.PID != s.PID || !reflect.DeepEqual(again.Rooms, s.Rooms) {
			t.Errorf("%+v became %+v, error %v", s, again, err)
		}
	})
}

// TestStreamSession has what @socket.io/redis-streams-adapter 0.3.1 writes.
func TestStreamSession(t *testing.T) {
	const text = "hKNzaWSiczGjcGlkonAxpXJvb21zk6JzMaRyb29tKqRkYXRhgqRuYW1loXihYsQCAQI="
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &adapter.StreamSession{
		PID: "p1", ID: "s1", Rooms: []string{"s1", "room", "42"},
		Data: adapter.Event{Data: []byte(`{"name":"x","b":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{1, 2}}},
	}
	got, err := decodeStreamSession(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
