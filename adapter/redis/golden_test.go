package redis

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// A message is a request or a response that a Node.js package published.
// test/redisnode records them.
type message struct {
	From, Name, Channel string
	Payload             []byte
}

// golden returns the recordings of a package, by name.
func golden(t testing.TB, from string) map[string]message {
	t.Helper()
	text, err := os.ReadFile("testdata/questions.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []message
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	named := map[string]message{}
	for _, m := range list {
		if m.From == from {
			named[m.Name] = m
		}
	}
	return named
}

const (
	node8 = "@socket.io/redis-adapter 8.3.0"
	node5 = "socket.io-redis 5.4.0"
)

// asks are what the recordings of 8.3 ask, in Damso's terms.
var asks = map[string]struct {
	op  adapter.Operation
	ask bool
}{
	"join":               {adapter.Operation{Kind: adapter.Join, Rooms: []string{"room1"}, Except: []string{"x"}, Names: []string{"a", "방"}}, false},
	"leave":              {adapter.Operation{Kind: adapter.Leave, Names: []string{"a"}}, false},
	"disconnect":         {adapter.Operation{Kind: adapter.Disconnect, Rooms: []string{"room1", "room2"}, Close: true}, false},
	"server side":        {adapter.Operation{Kind: adapter.ServerSide, Event: adapter.Event{Data: []byte(`["hello",1,{"z":"é","a":null}]`)}}, false},
	"server side, asked": {adapter.Operation{Kind: adapter.ServerSide, Event: adapter.Event{Data: []byte(`["hello"]`)}}, true},
	"fetch":              {adapter.Operation{Kind: adapter.Fetch, Rooms: []string{"room1"}, Except: []string{"x"}}, true},
	"all rooms":          {adapter.Operation{Kind: adapter.Rooms}, true},
	"broadcast, asked": {adapter.Operation{Kind: adapter.Broadcast, Rooms: []string{"room1"}, Timeout: time.Second, Event: adapter.Event{
		Data: []byte(`["ev",{"b":{"_placeholder":true,"num":0}}]`), Attachments: [][]byte{{1, 255}}}}, true},
}

// TestAskAsNode: a request is byte for byte what 8.3 publishes, and is understood.
func TestAskAsNode(t *testing.T) {
	recorded := golden(t, node8)
	for name, ask := range asks {
		t.Run(name, func(t *testing.T) {
			n, r, c := listener(Options{})
			n.a.uid = "HHHHHH"
			id := ""
			if ask.ask {
				id = "HHHHHH"
			}
			got, err := c.appendRequest(nil, n, &ask.op, id)
			if want := recorded[name]; err != nil || string(got) != string(want.Payload) || want.Channel != n.requests() {
				t.Errorf("%v\n got %q\nwant %q", err, got, want.Payload)
			}
			n.a.uid = "me"
			if err := n.request(c, recorded[name].Payload); err != nil {
				t.Fatal(err)
			}
			told := append(r.applied, r.asked...)
			if want := brief(&ask.op); len(told) != 1 || strings.Replace(told[0], " except []", "", 1) != want || len(r.asked) == 1 != ask.ask {
				t.Errorf("told %q, want %q", told, want)
			}
		})
	}
}

// TestHearEmitter: the emitter says the same, with another uid or none.
func TestHearEmitter(t *testing.T) {
	recorded := golden(t, "@socket.io/redis-emitter 5.1.0")
	if len(recorded) != 4 {
		t.Fatalf("%d recordings", len(recorded))
	}
	for name, m := range recorded {
		n, r, c := listener(Options{})
		op := asks[name].op
		if err := n.request(c, m.Payload); err != nil || len(r.applied) != 1 || r.applied[0] != brief(&op) {
			t.Errorf("%s: %v, applied %q, want %q", name, err, r.applied, brief(&op))
		}
	}
}

const blob = `{"_placeholder":true,"num":0}`

// answers are the recorded answers, in Damso's terms, and what they answer.
func goldenAnswers() map[string]map[string]struct {
	form uint8
	op   adapter.Operation
	a    adapter.Answer
} {
	type one = struct {
		form uint8
		op   adapter.Operation
		a    adapter.Answer
	}
	fetch, ids, rooms := adapter.Operation{Kind: adapter.Fetch}, adapter.Operation{Kind: adapter.Fetch, Brief: true}, adapter.Operation{Kind: adapter.Rooms}
	told, asked, join := adapter.Operation{Kind: adapter.ServerSide}, adapter.Operation{Kind: adapter.Broadcast}, adapter.Operation{Kind: adapter.Join}
	value := adapter.Event{Data: []byte(`{"z":1,"a":["é"]}`)}
	list := []adapter.Socket{{ID: id20}}
	described := []adapter.Socket{{ID: id20, Rooms: []string{id20, "room1", "42"}, Data: adapter.Event{Data: []byte(`{"name":"연우"}`)},
		Handshake: []byte(`{"headers":{"host":"h"},"time":"t","address":"::1","xdomain":false,"secure":false,"issued":1700000000000,"url":"/","query":{"name":"연우"},"auth":{}}`)}}
	ack := func(data string, attachments ...[]byte) adapter.Answer {
		return adapter.Answer{Ack: true, Value: adapter.Event{Data: []byte(data), Attachments: attachments}}
	}
	return map[string]map[string]one{
		node8: {
			"answer: sockets":             {typeSockets, ids, adapter.Answer{Sockets: list}},
			"answer: no sockets":          {typeSockets, ids, adapter.Answer{}},
			"answer: all rooms":           {typeAllRooms, rooms, adapter.Answer{Rooms: []string{id20, "room1", "42"}}},
			"answer: join":                {typeJoin, join, adapter.Answer{Count: 1}},
			"answer: fetch":               {typeFetch, fetch, adapter.Answer{Sockets: described}},
			"answer: fetch, none":         {typeFetch, fetch, adapter.Answer{}},
			"answer: server side":         {typeServerSide, told, adapter.Answer{Value: value}},
			"answer: broadcast":           {typeBroadcast, asked, adapter.Answer{Count: 1}},
			"answer: broadcast 2":         {typeBroadcast, asked, ack(`["é"]`)},
			"answer: broadcast, binary 2": {typeBroadcast, asked, ack(`[{"b":`+blob+`}]`, []byte{1, 255})},
		},
		node5: {
			"answer: clients":    {old + typeClients, ids, adapter.Answer{Sockets: list}},
			"answer: no clients": {old + typeClients, ids, adapter.Answer{}},
			"answer: all rooms":  {old + typeAllRooms5, rooms, adapter.Answer{Rooms: []string{"42", id20, "room1"}}},
			"answer: join":       {old + typeRemoteJoin, join, adapter.Answer{Count: 1}},
			"answer: custom":     {old + typeCustom, told, adapter.Answer{Value: value}},
		},
	}
}

// TestAnswerAsNode: an answer is what either package publishes, with the name of the
// node behind it for 8.3, and theirs are understood.
func TestAnswerAsNode(t *testing.T) {
	for from, answers := range goldenAnswers() {
		recorded := golden(t, from)
		for name, test := range answers {
			t.Run(from+"/"+name, func(t *testing.T) {
				n, _, c := listener(Options{})
				to := question{kind: test.op.Kind, id: "question", form: test.form}
				channel, as := n.way(to, &test.a)
				got, err := c.appendAnswer(nil, "me", to, &test.a, as)
				payload := recorded[name].Payload
				if err != nil || string(got) != signed(from, payload) || recorded[name].Channel != channel {
					t.Errorf("%v\n got %q\nwant %q", err, got, signed(from, payload))
				}
				var heard []adapter.Answer
				q := adapter.NewQuery(&test.op, func(a adapter.Answer) { heard = append(heard, a) })
				if err := n.queries.Add("question", q); err != nil {
					t.Fatal(err)
				}
				if err := n.response(c, payload); err != nil || len(heard) != 1 {
					t.Fatalf("%v, %d answers", err, len(heard))
				}
				if g, w := show(heard[0]), show(test.a); g != w {
					t.Errorf("\n got %s\nwant %s", g, w)
				}
			})
		}
	}
}

func show(a adapter.Answer) string {
	s := fmt.Sprintf("%v %d %q %s %x", a.Ack, a.Count, a.Rooms, a.Value.Data, a.Value.Attachments)
	for _, socket := range a.Sockets {
		s += fmt.Sprintf(" %q %q %s %s", socket.ID, socket.Rooms, socket.Handshake, socket.Data.Data)
	}
	return s
}

// signed adds to a payload what a Damso node does.
func signed(from string, payload []byte) string {
	text := string(payload)
	switch {
	case from == node5:
		return text
	case text[0] == '{':
		return strings.TrimSuffix(text, "}") + `,"node":"me"}`
	}
	return string([]byte{text[0] + 1}) + text[1:] + "\xa4node\xa2me"
}

// TestHearOld: what socket.io-redis 5 asks is understood. Its rooms come in the order of JavaScript.
func TestHearOld(t *testing.T) {
	for name, want := range map[string]string{
		"clients":        `6 ["room1"] brief`,
		"client's rooms": `6 ["` + id20 + `"]`,
		"all rooms":      `7 []`,
		"join":           `2 ["` + id20 + `"] names ["a"]`,
		"leave":          `3 ["` + id20 + `"] names ["a"]`,
		"disconnect":     `4 ["` + id20 + `"] close`,
		"custom":         `5 [] ["customRequest",{"z":"é","a":null}]`,
	} {
		n, r, c := listener(Options{})
		if err := n.request(c, golden(t, node5)[name].Payload); err != nil || len(r.asked) != 1 || r.asked[0] != want {
			t.Errorf("%s: %v, asked %q, want %q", name, err, r.asked, want)
		}
	}
}

// jsonParser is a Parser as users of "parser" write them.
type jsonParser struct{}

func (jsonParser) Encode(dst []byte, value adapter.Event) ([]byte, error) {
	text, err := json.Marshal(struct {
		Value json.RawMessage
		Parts [][]byte
	}{value.Data, value.Attachments})
	return append(append(dst, 'J'), text...), err
}

func (jsonParser) Decode(b []byte) (adapter.Event, error) {
	var v struct {
		Value json.RawMessage
		Parts [][]byte
	}
	err := json.Unmarshal(b[min(1, len(b)):], &v)
	return adapter.Event{Data: v.Value, Attachments: v.Parts}, err
}

// TestParser: with a parser of one's own, nothing is in MessagePack.
func TestParser(t *testing.T) {
	n, r, c := listener(Options{Parser: jsonParser{}})
	op := asks["broadcast, asked"].op
	request, err := c.appendRequest(nil, &namespace{a: &Adapter{uid: "other"}, name: "/"}, &op, "id")
	if err != nil || !strings.HasPrefix(string(request), `J{"Value":{"uid":"other","requestId":"id","type":7`) {
		t.Errorf("%s %v", request, err)
	}
	if err := n.request(c, request); err != nil || len(r.asked) != 1 || r.asked[0] != brief(&op) {
		t.Errorf("%v, asked %q", err, r.asked)
	}
	event, err := c.appendBroadcast(nil, "other", "/", packetEvent, &op, "")
	if err != nil || !strings.HasPrefix(string(event), `J{"Value":["other",{"type":2,"data":["ev",`) {
		t.Errorf("%s %v", event, err)
	}
	if err := (classic{}).event(n, c, n.channel, event); err != nil || len(r.applied) != 1 || r.applied[0] != brief(&op) {
		t.Errorf("%v, applied %q", err, r.applied)
	}
	plain, err := c.appendRequest(nil, &namespace{a: &Adapter{uid: "other"}, name: "/"}, &adapter.Operation{Kind: adapter.Rooms}, "id")
	if err != nil || string(plain) != `{"uid":"other","requestId":"id","type":1}` {
		t.Errorf("what is JSON anyway: %s %v", plain, err)
	}
	if err := n.request(c, []byte("\x81\xa4type\x01")); err == nil {
		t.Error("MessagePack was understood")
	}
}

// TestWay: to whom an answer goes, and in which form.
func TestWay(t *testing.T) {
	eight := question{from: "asker0", form: typeFetch}
	told := question{from: "asker0", form: typeServerSide}
	five := question{form: old + typeClients}
	for _, test := range []struct {
		opts    Options
		to      question
		ack     bool
		channel string
		as      form
	}{
		{Options{}, eight, false, "socket.io-response#/#", mixed},
		{Options{}, eight, true, "socket.io-response#/#", packed},
		{Options{}, five, false, "socket.io-response#/#", mixed},
		{Options{SpecificResponseChannel: true}, eight, true, "socket.io-response#/#asker0#", packed},
		{Options{SpecificResponseChannel: true}, told, false, "socket.io-response#/#", mixed},
		{Options{SpecificResponseChannel: true}, five, false, "socket.io-response#/#", mixed},
		{Options{SocketIO2: true}, eight, true, "socket.io-response#/#asker0#", packed},
		{Options{SocketIO2: true}, told, false, "socket.io-response#/#", text},
		{Options{SocketIO2: true}, five, false, "socket.io-response#/#", text},
		{Options{SocketIO2: true}, question{form: typeFetch}, false, "socket.io-response#/#", text},
	} {
		n, _, _ := listener(test.opts)
		if channel, as := n.way(test.to, &adapter.Answer{Ack: test.ack}); channel != test.channel || as != test.as {
			t.Errorf("%+v %+v: %s in form %d, want %s in %d", test.opts, test.to, channel, as, test.channel, test.as)
		}
	}
}
