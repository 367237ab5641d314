package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestMalformed has clients break each rule: those are told to go, with reason
// "parse error", or what they sent is nothing; nobody else notices, and nothing of
// them is left.
func TestMalformed(t *testing.T) {
	type test struct {
		name  string
		send  []string // binary if it begins with "b:"
		goes  bool     // the client is told to go
		needs int      // the only protocol that it is for, if not 0
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	tests := []test{
		{name: "empty", send: []string{""}, goes: true},
		{name: "unknown type", send: []string{"7"}, goes: true},
		{name: "no type", send: []string{"x"}, goes: true},
		{name: "binary without header", send: []string{"b:x"}, goes: true},
		{name: "text in the middle", send: []string{`52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "b:x", `2["e"]`}, goes: true},
		{name: "binary after the last", send: []string{`51-["e",{"_placeholder":true,"num":0}]`, "b:x", "b:x"}, goes: true},
		{name: "no attachment comes", send: []string{`51-["e",{"_placeholder":true,"num":0}]`}},
		{name: "too many attachments", send: []string{`511-["e"]`}, goes: true},
		{name: "huge number of attachments", send: []string{`599999999999999999999-["e"]`}, goes: true},
		{name: "number of attachments missing", send: []string{`5["e"]`}, goes: true},
		{name: "negative number of attachments", send: []string{`5-1-["e"]`}, goes: true},
		{name: "placeholder without attachment", send: []string{`51-["e",{"_placeholder":true,"num":1}]`}, goes: true},
		{name: "placeholder of a bad number", send: []string{`51-["e",{"_placeholder":true,"num":-1}]`}, goes: true},
		{name: "placeholder in an event without any", send: []string{`2["e",{"_placeholder":true,"num":9}]`}},
		{name: "ack without id", send: []string{`3["x"]`}, goes: true},
		{name: "ack of nothing", send: []string{`37["x"]`}},
		{name: "ack with object", send: []string{`37{"a":1}`}, goes: true},
		{name: "ack without data", send: []string{`37`}, goes: true},
		{name: "huge id", send: []string{`299999999999999999999999["e"]`}, goes: true},
		{name: "id beyond JavaScript's numbers", send: []string{`29007199254740992["e"]`}, goes: true},
		{name: "event without name", send: []string{`2[]`}, goes: true},
		{name: "event without data", send: []string{`2`}, goes: true},
		{name: "event of an object", send: []string{`2{"e":1}`}, goes: true},
		{name: "event whose name is an object", send: []string{`2[{"a":1}]`}, goes: true},
		{name: "event whose name is null", send: []string{`2[null]`}, goes: true},
		{name: "broken JSON", send: []string{`2["e",`}, goes: true},
		{name: "two values", send: []string{`2["e"]["e"]`}, goes: true},
		{name: "not UTF-8 in JSON", send: []string{"2[\"\xff\"]"}, goes: true},
		{name: "reserved event", send: []string{`2["disconnect"]`}, goes: true},
		{name: "reserved event, escaped", send: []string{`2["disconnec\u0074"]`}, goes: true},
		{name: "connect_error", send: []string{`4{"message":"you are refused"}`}, goes: true},
		{name: "connect with array", send: []string{`0/other,["a"]`}, goes: true},
		{name: "connect with text", send: []string{`0/other,"a"`}, goes: true},
		{name: "disconnect with data", send: []string{`1["a"]`}, goes: true},
		{name: "event in an unknown namespace", send: []string{`2/unknown,["e"]`}, goes: true},
		{name: "event in a namespace not joined", send: []string{`2/other,["e"]`}},
		{name: "disconnect from an unknown namespace", send: []string{`1/unknown,`}},
		{name: "connect to prototypes", send: []string{`0/__proto__,`, `0/constructor,`, `0//,`, `0/` + strings.Repeat("a", 511) + `,`}, needs: 4},
		{name: "long namespace", send: []string{`0/` + strings.Repeat("a", 600) + `,`}, goes: true},
		{name: "long query", send: []string{`0/other?` + strings.Repeat("a", 9000) + `,`}, goes: true},
		{name: "prototypes in data", send: []string{`2["e",{"__proto__":{"admin":true},"constructor":{"prototype":{}}}]`}},
		{name: "deep", send: []string{`2["e",` + deep(900) + `]`}},
		{name: "too deep", send: []string{`2["e",` + deep(1001) + `]`}, goes: true},
		{name: "endlessly deep", send: []string{`2["e",` + strings.Repeat("[", 500_000)}, goes: true},
		{name: "huge number", send: []string{`2["number",1` + strings.Repeat("0", 100_000) + `]`}},
		{name: "connect twice", send: []string{`0`}, goes: true, needs: 4},
		{name: "auth of protocol 5", send: []string{`0/other,{"token":1}`}, needs: 3},
	}
	for _, protocol := range []int{3, 4} {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		srv.Of("/other")
		socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
		socketio.On(ns, "e", func(context.Context, *socketio.Socket, socketio.Args) error { return nil })
		socketio.On(ns, "number", func(context.Context, *socketio.Socket, float64) error { return nil })
		reasons := gone(ns)
		other := clients.Join("/")
		for _, test := range tests {
			if test.needs != 0 && test.needs != protocol {
				continue
			}
			t.Run(fmt.Sprintf("%d: %s", protocol, test.name), func(t *testing.T) {
				c := clients.For(t).Open(siotest.Options{Protocol: protocol})
				c.Join("/", "")
				for _, packet := range test.send {
					if data, ok := strings.CutPrefix(packet, "b:"); ok {
						_ = c.SendBinary([]byte(data))
					} else {
						_ = c.Send(packet)
					}
				}
				want := socketio.ParseError
				switch {
				case test.goes:
					drain(t, c)
				case test.name == "no attachment comes":
					want = socketio.TransportClose
					c.Close()
				default:
					_ = c.Send(`21["echo","still there"]`)
					for c.Text() != `31["still there"]` {
					}
					want = socketio.ClientNamespaceDisconnect
					_ = c.Send("1")
				}
				if got := next(t, reasons); got != want {
					t.Errorf("reason %q, want %q", got, want)
				}
				_ = other.Send(`21["echo","me, too"]`)
				other.Want(`31["me, too"]`)
				c.Close()
			})
		}
		other.Close()
		next(t, reasons)
		nothing(t, reasons)
		empty(t, ns)
		empty(t, srv.Of("/other"))
	}
}

// drain reads until the end of the connection.
func drain(t *testing.T, c *siotest.Client) {
	t.Helper()
	for {
		m, err := c.Read()
		switch {
		case err == nil && strings.HasPrefix(m.Text, "4"): // a refusal
		case err == nil:
			t.Fatalf("got %q, want the end", m.Text)
		case strings.Contains(err.Error(), "ended"):
			return
		default:
			t.Fatal(err)
		}
	}
}

// TestPartialIsLimited announces attachments that do not come, on many
// connections, and goes.
func TestPartialIsLimited(t *testing.T) {
	srv, clients := serve(t, socketio.Options{MaxAttachments: 2})
	reasons := gone(srv.Of("/"))
	c := clients.Join("/")
	_ = c.Send(`52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte("a"))
	c.Close()
	if got := next(t, reasons); got != socketio.TransportClose {
		t.Errorf("reason %q", got)
	}
	c = clients.Join("/")
	_ = c.Send(`53-["e"]`)
	c.WantEnd()
	if got := next(t, reasons); got != socketio.ParseError {
		t.Errorf("reason %q", got)
	}
}
