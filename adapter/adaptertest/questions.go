package adaptertest

import (
	"fmt"
	"strings"

	"github.com/damso/damso/adapter"
)

// A question is one of the suite, and what two nodes answer it, in this order.
type question struct {
	name    string
	op      adapter.Operation
	answers [2][]adapter.Answer
	without func(Lacks) bool // whether an adapter that lacks something is not asked; may be nil
}

func data(text string, attachments ...string) adapter.Event {
	return broadcast(text, attachments...).Event
}

func count(n int) adapter.Answer { return adapter.Answer{Count: n} }

func ack(socket, text string, attachments ...string) adapter.Answer {
	return adapter.Answer{Ack: true, Socket: socket, Value: data(text, attachments...)}
}

func returned(text string, attachments ...string) adapter.Answer {
	return adapter.Answer{Value: data(text, attachments...)}
}

func binary(l Lacks) bool { return l.Binary }

// questions are of each kind.
func questions() []question {
	return append(broadcasts(), append(management(), serverSide()...)...)
}

func broadcasts() []question {
	to := func(rooms ...string) adapter.Operation { return *Event("ask", 1, rooms...) }
	many := [2][]adapter.Answer{{count(200)}, {count(0)}}
	for i := range 200 {
		many[0] = append(many[0], ack(fmt.Sprint("socket-", i), fmt.Sprintf("[%d]", i)))
	}
	const blob = `[{"_placeholder":true,"num":0}]`
	return []question{
		{name: "broadcast, nobody there", op: to(), answers: [2][]adapter.Answer{{count(0)}, {count(0)}}},
		{name: "broadcast, count first", op: to("a", "b"), answers: [2][]adapter.Answer{
			{count(2), ack("s1", `["안녕 👋🏽"]`), ack("s2", `[]`)}, {count(1), ack("s3", `[{"z":1,"a":[null,1.5e-7]}]`)}}},
		{name: "broadcast, acknowledgements first", op: to("a"), answers: [2][]adapter.Answer{
			{ack("s1", `[1]`), ack("s2", `[2]`), count(2)}, {ack("s3", `[3]`), count(1)}}},
		{name: "broadcast, several arguments", op: to(), answers: [2][]adapter.Answer{
			{count(1), ack("s1", `[{"a":1},"two",3]`)}, {count(0)}}},
		{name: "broadcast, binary acknowledgements", op: to(), answers: [2][]adapter.Answer{
			{count(1), ack("s1", blob, "\x00\xff\x80")}, {count(1), ack("s2", blob, strings.Repeat("\x01", 40_000))}}},
		{name: "broadcast, many acknowledgements", op: to(), answers: many},
		{name: "broadcast, one with binary parts", op: *broadcast(`["e",{"_placeholder":true,"num":0}]`, "\x01\xff"),
			answers: [2][]adapter.Answer{{count(0)}, {count(0)}}},
	}
}

func management() []question {
	counts := [2][]adapter.Answer{{count(3)}, {count(0)}}
	handshake := []byte(`{"headers":{"cookie":"a=\"b\""},"auth":{"token":"안녕"},"query":{"username":"연우"},"issued":1700000000000}`)
	full := func(id, text string, attachments ...string) adapter.Socket {
		return adapter.Socket{ID: id, Rooms: []string{id, "42", "대화방"}, Handshake: handshake, Data: data(text, attachments...)}
	}
	var crowd []adapter.Socket
	for i := range 1000 {
		crowd = append(crowd, full(fmt.Sprintf("socket-%013d", i), fmt.Sprintf(`{"n":%d}`, i)))
	}
	sockets := func(list ...adapter.Socket) []adapter.Answer { return []adapter.Answer{{Sockets: list}} }
	named := func(list ...string) []adapter.Answer { return []adapter.Answer{{Rooms: list}} }
	return []question{
		{name: "join", op: adapter.Operation{Kind: adapter.Join, Rooms: []string{"a"}, Except: []string{"b"}, Names: []string{"c", "7"}}, answers: counts},
		{name: "leave", op: adapter.Operation{Kind: adapter.Leave, Names: []string{"c"}}, answers: counts},
		{name: "disconnect", op: adapter.Operation{Kind: adapter.Disconnect, Rooms: []string{"a"}, Close: true}, answers: counts},
		{name: "fetch", op: adapter.Operation{Kind: adapter.Fetch, Rooms: []string{"a"}, Except: []string{"b", "c"}},
			answers: [2][]adapter.Answer{sockets(full("abcdefghij0123456789", `{"name":"연우","z":1,"a":2}`), full("s2", `null`)), sockets(full("s3", `"text"`))}},
		{name: "fetch, nothing", op: adapter.Operation{Kind: adapter.Fetch}, answers: [2][]adapter.Answer{sockets(), sockets()}},
		{name: "fetch, brief", op: adapter.Operation{Kind: adapter.Fetch, Brief: true},
			answers: [2][]adapter.Answer{sockets(adapter.Socket{ID: "s1"}, adapter.Socket{ID: "s2"}), sockets()}},
		{name: "fetch, many", op: adapter.Operation{Kind: adapter.Fetch}, answers: [2][]adapter.Answer{sockets(crowd...), sockets()}},
		{name: "fetch, binary data", op: adapter.Operation{Kind: adapter.Fetch}, without: binary,
			answers: [2][]adapter.Answer{sockets(full("s1", `{"a":{"_placeholder":true,"num":0}}`, "\x00\xff")), sockets()}},
		{name: "rooms", op: adapter.Operation{Kind: adapter.Rooms}, answers: [2][]adapter.Answer{named("a", "42", "대화방", "", "a#b"), named("a")}},
		{name: "rooms, none", op: adapter.Operation{Kind: adapter.Rooms}, answers: [2][]adapter.Answer{named(), named()}},
	}
}

func serverSide() []question {
	told := func(text string, attachments ...string) adapter.Operation {
		op := broadcast(text, attachments...)
		op.Kind = adapter.ServerSide
		return *op
	}
	one := func(a, b adapter.Answer) [2][]adapter.Answer { return [2][]adapter.Answer{{a}, {b}} }
	const blob = `{"_placeholder":true,"num":0}`
	return []question{
		{name: "server side", op: told(`["hello",{"z":1,"a":"안녕"},1.5]`), answers: one(returned(`{"z":1,"a":[1.5,"안녕"]}`), returned(`"pong"`))},
		{name: "server side, no value", op: told(`["hello"]`), answers: one(adapter.Answer{}, returned(`null`))},
		{name: "server side, an array", op: told(`["hello"]`), answers: one(returned(`[1,2]`), returned(`[]`))},
		{name: "server side, failed", op: told(`["hello"]`), without: func(l Lacks) bool { return l.Errors },
			answers: one(adapter.Answer{Err: "없는 방"}, returned(`1`))},
		{name: "server side, binary", op: told(`["hello",`+blob+`]`, "\x00\xff"), without: binary,
			answers: one(returned(blob, "\xff\x00"), returned(`[`+blob+`]`, ""))},
	}
}
