package clusterwire

import (
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// broadcastOf is a broadcast whose data is as given.
func broadcastOf(data string) string {
	return `{"type":3,"data":` + data + `,"uid":"x","nsp":"/"}`
}

// TestForeign has messages that no Node.js adapter writes and that make sense all the same.
func TestForeign(t *testing.T) {
	plain := func(change func(op *adapter.Operation)) *Message {
		op := &adapter.Operation{Kind: adapter.Broadcast, Event: adapter.Event{Data: []byte(`["e"]`)}}
		if change != nil {
			change(op)
		}
		return &Message{Type: Broadcast, UID: "x", Namespace: "/", Op: op}
	}
	for name, test := range map[string]struct {
		payload string
		want    *Message
	}{
		"other order of keys": {`{"nsp":"/","uid":"x","data":{"opts":{},"packet":{"data":["e"],"type":2}},"type":3}`, plain(nil)},
		"white space":         {`{ "type" : 3 , "data" : { "packet" : { "type" : 2 , "data" : ["e"] } , "opts" : { } } , "uid" : "x" , "nsp" : "/" } ` + "\n", plain(nil)},
		"escaped keys":        {`{"t\u0079pe":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{}},"uid":"x","nsp":"\/"}`, plain(nil)},
		"twice the same key":  {`{"type":4,"type":3,"data":null,"data":{"packet":{"type":2,"data":["e"]},"opts":{}},"uid":"x","nsp":"/"}`, plain(nil)},
		"unknown keys":        {broadcastOf(`{"x":[{"y":"]}"}],"packet":{"type":2,"data":["e"],"nsp":"/","id":7},"opts":{"z":0},"w":null}`), plain(nil)},
		"null everywhere":     {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"rooms":null,"except":null,"flags":null}}`), plain(nil)},
		"binary type":         {broadcastOf(`{"packet":{"type":5,"data":["e"]},"opts":{}}`), plain(nil)},
		"names of all sorts": {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"rooms":["\"\\\ud83d\udc4b",-1,0.5,null]}}`),
			plain(func(op *adapter.Operation) { op.Rooms = []string{"\"\\👋", "-1", "0.5", "null"} })},
		"odd flags":        {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"flags":{"volatile":1,"compress":"no","timeout":"x"}}}`), plain(nil)},
		"not UTF-8":        {broadcastOf("{\"packet\":{\"type\":2,\"data\":[\"\xff\"]},\"opts\":{}}"), plain(func(op *adapter.Operation) { op.Event.Data = []byte(`["` + "\uFFFD" + `"]`) })},
		"packed, no flags": {"\x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x91\xa1e\xa4opts\x80\xa3uid\xa1x\xa3nsp\xa1/", plain(nil)},
		"waits for ever": {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"flags":{"timeout":1e300}},"requestId":5}`),
			func() *Message {
				m := plain(func(op *adapter.Operation) { op.Timeout = DefaultTimeout })
				m.ID = "5"
				return m
			}()},
		"waits for weeks": {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"flags":{"timeout":2147483647}},"requestId":5}`),
			func() *Message {
				m := plain(func(op *adapter.Operation) { op.Timeout = MaxTimeout })
				m.ID = "5"
				return m
			}()},
		"waits for no time": {broadcastOf(`{"packet":{"type":2,"data":["e"]},"opts":{"flags":{"timeout":-1}},"requestId":"a"}`),
			func() *Message {
				m := plain(func(op *adapter.Operation) { op.Timeout = 5 * time.Second })
				m.ID = "a"
				return m
			}()},
		"an answer with an error": {`{"type":10,"data":{"requestId":"a","packet":null,"error":"no"},"uid":"x","nsp":"/"}`,
			&Message{Type: ServerSideResponse, UID: "x", Namespace: "/", ID: "a", Answer: adapter.Answer{Err: "no", Value: adapter.Event{Data: []byte("null")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := new(Decoder).Decode([]byte(test.payload), "me", "/")
			if err != nil {
				t.Fatal(err)
			}
			check(t, got, test.want)
		})
	}
}

// TestGarbage has what any program may publish on the channels of the adapters.
func TestGarbage(t *testing.T) {
	message := func(typ, data string) string {
		return `{"type":` + typ + `,"data":` + data + `,"uid":"x","nsp":"/"}`
	}
	packed := func(data string) string { return "\x84\xa4type\x03\xa4data" + data + "\xa3uid\xa1x\xa3nsp\xa1/" }
	for name, payload := range map[string]string{
		"empty":                     "",
		"null":                      "null",
		"text":                      "hello",
		"a number":                  "12",
		"an array":                  "[]",
		"cut off":                   `{"type":3,"data":{"packet"`,
		"bytes after the end":       message("4", `{"opts":{},"rooms":[]}`) + "}",
		"no data":                   `{"type":4,"uid":"x","nsp":"/"}`,
		"type is missing":           `{"data":{"opts":{}},"uid":"x","nsp":"/"}`,
		"type is text":              message(`"3"`, `{"opts":{},"packet":{"type":2,"data":["e"]}}`),
		"type is unknown":           message("99", `{}`),
		"type is huge":              message("1e300", `{}`),
		"a heartbeat":               message("1", `{}`),
		"uid is an object":          `{"type":4,"data":{"opts":{}},"uid":{},"nsp":"/"}`,
		"data is null":              message("4", `null`),
		"data is an array":          message("4", `[]`),
		"data is text":              message("6", `"close"`),
		"no options":                message("6", `{"close":true}`),
		"options are text":          message("6", `{"opts":"x"}`),
		"no rooms: disconnect":      message("6", `{"opts":{"roosm":["a"]},"close":true}`),
		"no rooms: leave":           message("5", `{"opts":{},"rooms":["a"]}`),
		"rooms are text":            message("6", `{"opts":{"rooms":"a"}}`),
		"a room is an object":       message("6", `{"opts":{"rooms":[{}]}}`),
		"a room is true":            message("6", `{"opts":{"rooms":[true]}}`),
		"names are an object":       message("4", `{"opts":{},"rooms":{}}`),
		"no packet":                 message("3", `{"opts":{}}`),
		"packet is null":            message("3", `{"opts":{},"packet":null}`),
		"packet is an array":        message("3", `{"opts":{},"packet":["e"]}`),
		"packet is an ack":          message("3", `{"opts":{},"packet":{"type":3,"data":["e"]}}`),
		"event without a name":      message("3", `{"opts":{},"packet":{"type":2,"data":[1]}}`),
		"event of nothing":          message("3", `{"opts":{},"packet":{"type":2,"data":[]}}`),
		"event is an object":        message("3", `{"opts":{},"packet":{"type":2,"data":{"0":"e"}}}`),
		"server-side is an object":  message("9", `{"packet":{}}`),
		"server-side is nothing":    message("9", `{}`),
		"a question without id":     message("7", `{"opts":{}}`),
		"an answer without id":      message("8", `{"sockets":[]}`),
		"an answer with odd id":     message("8", `{"requestId":{},"sockets":[]}`),
		"sockets are text":          message("8", `{"requestId":"a","sockets":"x"}`),
		"a socket is null":          message("8", `{"requestId":"a","sockets":[null]}`),
		"a socket is an array":      message("8", `{"requestId":"a","sockets":[[]]}`),
		"negative count":            message("11", `{"requestId":"a","clientCount":-1}`),
		"count is text":             message("11", `{"requestId":"a","clientCount":"1"}`),
		"too deep":                  message("3", `{"opts":{},"packet":{"type":2,"data":["e",`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`]}}`),
		"packed: nil":               "\xc0",
		"packed: an array":          "\x91\x80",
		"packed: cut off":           packed("\x82\xa6packet\x82\xa4type")[:24],
		"packed: bytes behind":      packed("\x81\xa4opts\x80") + "\x00",
		"packed: data is nil":       packed("\xc0"),
		"packed: key is a number":   packed("\x81\x01\x02"),
		"packed: no event":          packed("\x82\xa4opts\x80\xa6packet\x82\xa4type\x02\xa4data\x90"),
		"packed: rooms of billions": packed("\x81\xa4opts\x81\xa5rooms\xdd\xff\xff\xff\xff"),
		"packed: deep":              packed("\x82\xa4opts\x80\xa6packet\x82\xa4type\x02\xa4data\x92\xa1e" + strings.Repeat("\x91", 600) + "\xc0"),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := new(Decoder).Decode([]byte(payload), "me", "/"); err == nil {
				t.Errorf("it was taken: %+v", m)
			}
		})
	}
	for _, data := range []string{"", "{", "!!!", "wA==", "e30=", `{"opts":1}`} {
		m := &Message{Type: SocketsJoin}
		if err := new(Decoder).DecodeData(m, data); err == nil {
			t.Errorf("the data %q was taken: %+v", data, m)
		}
	}
}

// TestOwn has what Damso nodes tell each other beside what servers of Node.js do.
func TestOwn(t *testing.T) {
	for name, want := range map[string]*Message{
		"ids only":   {Type: FetchSockets, Op: &adapter.Operation{Kind: adapter.Fetch, Brief: true, Timeout: time.Second}},
		"rooms only": {Type: FetchSockets, Op: &adapter.Operation{Kind: adapter.Rooms, Timeout: time.Second}},
		"rooms":      {Type: FetchResponse, Answer: adapter.Answer{Rooms: []string{"a", "방"}}},
		"an error":   {Type: ServerSideResponse, Answer: adapter.Answer{Err: "없다", Value: adapter.Event{Data: []byte("1")}}},
		"an id":      {Type: ClientAck, Answer: adapter.Answer{Ack: true, Socket: "s", Value: adapter.Event{Data: []byte("[1]")}}},
	} {
		t.Run(name, func(t *testing.T) {
			want.ID, want.UID, want.Namespace = "q", "x", "/"
			for _, packed := range []bool{false, true} {
				b, err := new(Encoder).Append(nil, want, packed)
				if err != nil {
					t.Fatal(err)
				}
				got, err := new(Decoder).Decode(b, "me", "/")
				if err != nil {
					t.Fatal(err)
				}
				check(t, got, want)
			}
		})
	}
}
