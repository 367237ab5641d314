package nats

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

var sender = members.Node{ID: "ab-_09", Instance: 1 << 63}

func frames() map[string]*frame {
	event := adapter.Event{Data: []byte(`["e",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 255}, {}}}
	full := &adapter.Operation{
		Kind: adapter.Broadcast, Rooms: []string{"a", ""}, Except: []string{"대화방"}, Names: []string{"c"}, Close: true, Brief: true,
		Flags: adapter.Flags{Volatile: true, NoCompress: true, Slow: 3, SlowKey: "k"}, Event: event,
	}
	asked := *full
	asked.Kind, asked.Timeout = adapter.Fetch, time.Second
	socket := adapter.Socket{ID: "s", Rooms: []string{"s", "a"}, Handshake: []byte(`{}`), Data: event}
	return map[string]*frame{
		"sign":           {kind: signFrame, version: 7},
		"sign with list": {kind: signFrame, version: 7, listed: true, spaces: []space{spaceOf("/"), spaceOf("/chat")}},
		"sign of none":   {kind: signFrame, listed: true},
		"list":           {kind: listFrame},
		"bye":            {kind: byeFrame},
		"message":        {kind: messageFrame, body: []byte("hello")},
		"publish":        {kind: publishFrame, space: spaceOf("/"), op: full},
		"disconnect":     {kind: publishFrame, space: spaceOf("/"), op: &adapter.Operation{Kind: adapter.Disconnect}},
		"ask":            {kind: askFrame, space: spaceOf("/"), query: 300, op: &asked},
		"answer":         {kind: answerFrame, space: spaceOf("/"), query: 300, answer: adapter.Answer{Count: 200, Err: "없다", Rooms: []string{"a"}}},
		"ack":            {kind: answerFrame, query: 1, answer: adapter.Answer{Ack: true, Socket: "s", Value: event}},
		"sockets":        {kind: answerFrame, query: 1, answer: adapter.Answer{Sockets: []adapter.Socket{socket, {ID: "t"}}}},
	}
}

func equal(a, b *frame) string { return cmp.Diff(a, b, cmp.AllowUnexported(frame{})) }

func TestDecode(t *testing.T) {
	for name, f := range frames() {
		t.Run(name, func(t *testing.T) {
			f.from = sender
			data := f.encode()
			got, err := decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := equal(f, got); diff != "" {
				t.Errorf("decoded (+), encoded (-):\n%s", diff)
			}
			for n := range data { // cut off anywhere
				short, err := decode(data[:n])
				if err == nil && f.kind != messageFrame && f.kind != signFrame {
					t.Errorf("%d of %d bytes were a frame: %+v", n, len(data), short)
				}
			}
			if _, err := decode(append(data, 0)); err == nil && f.kind != messageFrame {
				t.Error("a byte behind the end was taken")
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	head := string((&frame{kind: byeFrame, from: sender}).encode())
	kind := func(k frameKind, body string) string { return head[:1] + string(rune(k)) + head[2:] + body }
	to := strings.Repeat("s", 16)
	for _, test := range []struct {
		name, data string
		want       error
	}{
		{"nothing", "", errFormat},
		{"another format", "\x02" + head[1:], errFormat},
		{"unknown kind", kind(99, ""), errFormat},
		{"no id", strings.Replace(head, sender.ID, "a.b.*>", 1), errFormat},
		{"a list that is cut off", kind(signFrame, "\x01\x01half"), errCut},
		{"more strings than bytes", kind(publishFrame, to+"\x04\x00\x00\x00\xff\xff\xff\xff\x0f"), errCut},
		{"a number without end", kind(signFrame, strings.Repeat("\xff", 11)), errCut},
		{"fetch, published", kind(publishFrame, to+"\x06\x00\x00\x00\x00\x00\x00\x00\x00"), errFormat},
		{"an event that is no JSON", kind(publishFrame, to+"\x01\x00\x00\x00\x00\x00\x00\x02[x\x00"), errJSON},
		{"an event that is no array", kind(publishFrame, to+"\x01\x00\x00\x00\x00\x00\x00\x02{}\x00"), errJSON},
		{"no event", kind(publishFrame, to+"\x01\x00\x00\x00\x00\x00\x00\x00\x00"), errJSON},
	} {
		if _, err := decode([]byte(test.data)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range frames() {
		seed.from = sender
		f.Add(seed.encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(got.encode())
		if err != nil {
			t.Fatalf("what was encoded again can't be decoded: %v", err)
		}
		if diff := equal(got, again); diff != "" {
			t.Errorf("decoded again (+), decoded (-):\n%s", diff)
		}
	})
}
