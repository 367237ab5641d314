package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// A recording is a broadcast that a Node.js package published, and what a server of
// socket.io 4 sends to its clients for it. test/redisnode records them.
type recording struct {
	From, Name  string
	UID         string
	Nsp         string
	JSON        bool // the event is all JSON: Damso can be asked to publish the same
	Channel     string
	Payload     []byte
	Type        int
	Rooms       []string
	Except      []string
	Volatile    bool
	NoCompress  bool
	Data        string
	Attachments [][]byte
}

func (r recording) operation() *adapter.Operation {
	return &adapter.Operation{
		Kind:   adapter.Broadcast,
		Rooms:  r.Rooms,
		Except: r.Except,
		Flags:  adapter.Flags{Volatile: r.Volatile, NoCompress: r.NoCompress},
		Event:  adapter.Event{Data: []byte(r.Data), Attachments: r.Attachments},
	}
}

// redisOptions name a Redis that the tests of this package do not connect to.
var redisOptions = rueidis.ClientOption{InitAddress: []string{"127.0.0.1:0"}}

func recordings(t testing.TB) (list []recording) {
	t.Helper()
	text, err := os.ReadFile("testdata/node.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestDecodeAsNode(t *testing.T) {
	var c codec
	for _, r := range recordings(t) {
		t.Run(r.From+"/"+r.Name, func(t *testing.T) {
			op, _, err := c.decodeBroadcast(r.Payload, "------", r.Nsp)
			if err != nil {
				t.Fatal(err)
			}
			check(t, op, r.operation())
			if op, _, err := c.decodeBroadcast(r.Payload, r.UID, r.Nsp); op != nil || err != nil {
				t.Errorf("one's own message: %v, %v", op, err)
			}
			if op, _, err := c.decodeBroadcast(r.Payload, "------", r.Nsp+"x"); op != nil || err != nil {
				t.Errorf("another namespace's message: %v, %v", op, err)
			}
		})
	}
}

func TestEncodeAsNode(t *testing.T) {
	var c codec
	for _, r := range recordings(t) {
		if !r.JSON || r.From != "@socket.io/redis-adapter 8.3.0" {
			continue // the others write fewer keys, or in another order
		}
		t.Run(r.Name, func(t *testing.T) {
			got, err := c.appendBroadcast(nil, r.UID, r.Nsp, r.Type, r.operation(), "")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, r.Payload) {
				t.Errorf("not as Node.js writes it:\n got %x\nwant %x", got, r.Payload)
			}
			a := New(redisOptions, Options{})
			if got := newNamespace(a, r.Nsp, nil).appendChannel(nil, r.operation()); string(got) != r.Channel {
				t.Errorf("channel %q, want %q", got, r.Channel)
			}
		})
	}
}

func TestPacketType(t *testing.T) {
	binary := &adapter.Operation{Event: adapter.Event{Data: []byte(`["e",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1}}}}
	text := &adapter.Operation{Event: adapter.Event{Data: []byte(`["e"]`)}}
	for _, test := range []struct {
		socketIO2 bool
		op        *adapter.Operation
		want      string
	}{
		{false, text, "\xa4type\x02"},
		{false, binary, "\xa4type\x02"},
		{true, text, "\xa4type\x02"},
		{true, binary, "\xa4type\x05"},
	} {
		a := New(redisOptions, Options{SocketIO2: test.socketIO2})
		got, err := new(codec).appendBroadcast(nil, "me", "/", newNamespace(a, "/", nil).packetType(test.op), test.op, "")
		if err != nil || !strings.Contains(string(got), test.want) {
			t.Errorf("SocketIO2 %v: %q, %v, want %q in it", test.socketIO2, got, err, test.want)
		}
	}
}

// TestDecodeForeign has messages that no Node.js package above publishes.
func TestDecodeForeign(t *testing.T) {
	plain := &adapter.Operation{Kind: adapter.Broadcast, Event: adapter.Event{Data: []byte(`["e"]`)}}
	event := "\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/"
	for name, test := range map[string]struct {
		payload string
		want    *adapter.Operation // nil: it is nothing
		err     error              // of which sort, if it matters
	}{
		"no namespace":        {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x91\xa1e\x80", want: plain},
		"nil namespace":       {payload: "\x93\xa1x\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xc0\x80", want: plain},
		"other order of keys": {payload: "\x93\xa1x\x83\xa3nsp\xa1/\xa4data\x91\xa1e\xa4type\x02\x80", want: plain},
		"no options":          {payload: "\x93\xa1x" + event + "\x80", want: plain},
		"nil options":         {payload: "\x93\xa1x" + event + "\x83\xa5rooms\xc0\xa6except\xc0\xa5flags\xc0", want: plain},
		"unknown option":      {payload: "\x93\xa1x" + event + "\x81\xa1x\x91\xc0", want: plain},
		"longer array":        {payload: "\x94\xa1x" + event + "\x80\xc3", want: plain},
		"uid is a number":     {payload: "\x93\x07" + event + "\x80", want: plain},
		"rooms of all sorts": {payload: "\x93\xa1x" + event + "\x81\xa5rooms\x94\xa1a\xff\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00\xc0",
			want: &adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{"a", "-1", "0.5", "null"}, Event: plain.Event}},

		"empty":                 {payload: "", err: errShape},
		"JSON":                  {payload: "{}", err: errShape},
		"null":                  {payload: "null", err: errShape},
		"nil":                   {payload: "\xc0", err: errShape},
		"array of two":          {payload: "\x92\xa1x" + event, err: errShape},
		"cut off":               {payload: "\x93\xa1x" + event + "\x81\xa5rooms"},
		"bytes after the end":   {payload: "\x93\xa1x" + event + "\x80\x00", err: errTrailing},
		"no event":              {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x90\x80", err: errPacket},
		"event without a name":  {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x91\xc0\x80", err: errPacket},
		"data is an object":     {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x80\x80", err: errPacket},
		"no data":               {payload: "\x93\xa1x\x81\xa4type\x02\x80", err: errPacket},
		"an ack":                {payload: "\x93\xa1x\x82\xa4type\x03\xa4data\x91\xa1e\x80", err: errPacket},
		"no type":               {payload: "\x93\xa1x\x81\xa4data\x91\xa1e\x80", err: errPacket},
		"room is an object":     {payload: "\x93\xa1x" + event + "\x81\xa5rooms\x91\x80"},
		"rooms is a string":     {payload: "\x93\xa1x" + event + "\x81\xa5rooms\xa1a"},
		"four billion rooms":    {payload: "\x93\xa1x" + event + "\x81\xa5rooms\xdd\xff\xff\xff\xff"},
		"four billion elements": {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\xdd\xff\xff\xff\xff\xa1e\x80"},
		"four billion bytes":    {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x91\xdb\xff\xff\xff\xffe\x80"},
		"key is an array":       {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x92\xa1e\x81\x90\xc0\x80", err: msgjson.ErrKey},
		"too deep": {payload: "\x93\xa1x\x82\xa4type\x02\xa4data\x92\xa1e" + strings.Repeat("\x91", msgjson.MaxDepth+1) + "\xc0\x80",
			err: msgjson.ErrDepth},
	} {
		t.Run(name, func(t *testing.T) {
			op, _, err := new(codec).decodeBroadcast([]byte(test.payload), "me", "/")
			switch {
			case test.want == nil && err == nil:
				t.Errorf("it was taken: %+v", op)
			case test.err != nil && !errors.Is(err, test.err):
				t.Errorf("error %v, want %v", err, test.err)
			case test.want != nil && err != nil:
				t.Error(err)
			case test.want != nil:
				check(t, op, test.want)
			}
		})
	}
}

func check(t *testing.T, got, want *adapter.Operation) {
	t.Helper()
	if got.Kind != want.Kind || got.Flags != want.Flags ||
		!slices.Equal(got.Rooms, want.Rooms) || !slices.Equal(got.Except, want.Except) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if string(got.Event.Data) != string(want.Event.Data) {
		t.Errorf("\n got %s\nwant %s", got.Event.Data, want.Event.Data)
	}
	if !slices.EqualFunc(got.Event.Attachments, want.Event.Attachments, bytes.Equal) {
		t.Errorf("\n got %x\nwant %x", got.Event.Attachments, want.Event.Attachments)
	}
}

func FuzzDecodeBroadcast(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add(r.Payload)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c codec
		op, _, err := c.decodeBroadcast(b, "me", "/")
		if err != nil || op == nil {
			return
		}
		if !json.Valid(op.Event.Data) {
			t.Fatalf("not JSON: %s", op.Event.Data)
		}
		if n := len(op.Event.Data); n > 40*len(b) {
			t.Fatalf("%d bytes of JSON from %d", n, len(b))
		}
		if bytes.Count(op.Event.Data, []byte(`"_placeholder"`)) != len(op.Event.Attachments) {
			return // an object that looks like a placeholder is one to the next reader
		}
		// What was understood is the same after another journey.
		again, err := c.appendBroadcast(nil, "other", "/", packetEvent, op, "")
		if err != nil {
			t.Fatal(err)
		}
		op2, _, err := c.decodeBroadcast(again, "me", "/")
		if err != nil {
			t.Fatal(err)
		}
		check(t, op2, op)
	})
}

var chatMessage = &adapter.Operation{
	Kind:  adapter.Broadcast,
	Rooms: []string{"general"},
	Event: adapter.Event{Data: []byte(`["msgToClient",{"name":"연우","text":"안녕하세요, 오늘 점심은 뭐 먹을까요? 👋🏽","at":1700000000123}]`)},
}

func BenchmarkEncode(b *testing.B) {
	var c codec
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = c.appendBroadcast(buf[:0], "abcdef", "/chat", packetEvent, chatMessage, "")
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecode(b *testing.B) {
	var c codec
	message, err := c.appendBroadcast(nil, "abcdef", "/chat", packetEvent, chatMessage, "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		if op, _, err := c.decodeBroadcast(message, "other0", "/chat"); op == nil || err != nil {
			b.Fatal(op, err)
		}
	}
}

func BenchmarkDecodeOwn(b *testing.B) {
	var c codec
	message, err := c.appendBroadcast(nil, "abcdef", "/chat", packetEvent, chatMessage, "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if op, _, err := c.decodeBroadcast(message, "abcdef", "/chat"); op != nil || err != nil {
			b.Fatal(op, err)
		}
	}
}
