package socketio_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// pack makes MessagePack of what msgp knows.
func pack(t testing.TB, v any) []byte {
	t.Helper()
	b, err := msgp.AppendIntf(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type object = map[string]any

// packet makes a packet as socket.io-msgpack-parser does.
func packed(t testing.TB, typ int, nsp string, more object) []byte {
	o := object{"type": typ, "nsp": nsp}
	for k, v := range more {
		o[k] = v
	}
	return pack(t, o)
}

// wantPacked fails the test if the next message is not this packet.
func wantPacked(t testing.TB, c *siotest.Client, typ int64, nsp string, more object) object {
	t.Helper()
	m, err := c.Read()
	if err != nil || m.Binary == nil {
		t.Fatalf("got %q, %v; want MessagePack", m.Text, err)
	}
	v, rest, err := msgp.ReadIntfBytes(m.Binary)
	got, ok := v.(object)
	if err != nil || len(rest) > 0 || !ok || got["type"] != typ || got["nsp"] != nsp {
		t.Fatalf("got %v, %v; want type %d of %s", v, err, typ, nsp)
	}
	for k, want := range more {
		a, b := pack(t, got[k]), pack(t, want)
		if !bytes.Equal(a, b) {
			t.Fatalf("%s is %v, want %v", k, got[k], want)
		}
	}
	return got
}

// TestMessagePack: greeting, events and acks with binary inside, both ways, a
// refusal, and the end.
func TestMessagePack(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{Parser: socketio.MessagePack})
		ns := srv.Of("/chat")
		socketio.OnAck(ns, "echo", func(_ context.Context, s *socketio.Socket, all socketio.Args) (socketio.Raw, error) {
			return all.Raw(0)
		})
		sockets := joined(ns)
		c := clients.Open(o)
		if o.Protocol == 3 {
			wantPacked(t, c, 0, "/", nil)
		}
		_ = c.SendBinary(packed(t, 0, "/nowhere", nil))
		wantPacked(t, c, 4, "/nowhere", nil)
		_ = c.SendBinary(packed(t, 0, "/chat", object{"options": object{"compress": true}}))
		wantPacked(t, c, 0, "/chat", nil)
		s := next(t, sockets)
		arg := object{"a": []any{int64(1), -2.5, "안녕", nil, true, []byte{0, 255}}}
		_ = c.SendBinary(packed(t, 2, "/chat", object{"id": 7, "data": []any{"echo", arg}}))
		got := wantPacked(t, c, 3, "/chat", object{"id": int64(7)})
		if !bytes.Equal(pack(t, got["data"]), pack(t, []any{arg})) {
			t.Errorf("echo: %v", got["data"])
		}
		done := make(chan string)
		go func() {
			args, err := s.EmitWithAck(t.Context(), "q", []byte{1, 2})
			var b []byte
			if err == nil {
				err = args.Decode(&b)
			}
			if err != nil {
				t.Error(err)
			}
			done <- string(b)
		}()
		wantPacked(t, c, 2, "/chat", object{"id": int64(0), "data": []any{"q", []byte{1, 2}}})
		_ = c.SendBinary(packed(t, 3, "/chat", object{"id": 0, "data": []any{[]byte("answer")}}))
		if got := next(t, done); got != "answer" {
			t.Errorf("got %q", got)
		}
		if err := ns.NoCompress().Emit("all", 1); err != nil {
			t.Error(err)
		}
		wantPacked(t, c, 2, "/chat", object{"data": []any{"all", int64(1)}})
		s.Disconnect(false)
		wantPacked(t, c, 1, "/chat", nil)
	})
}

// TestMessagePackMalformed: whatever breaks the protocol ends the connection, and
// nothing else.
func TestMessagePackMalformed(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Parser: socketio.MessagePack})
	srv.Of("/a")
	deep := bytes.Repeat([]byte{0x91}, 5000)
	for name, b := range map[string][]byte{
		"empty":            {},
		"not a map":        pack(t, []any{1}),
		"cut off":          packed(t, 2, "/", object{"data": []any{"e"}})[:8],
		"trailing":         append(packed(t, 2, "/", object{"data": []any{"e"}}), 0xc0),
		"type 5":           packed(t, 5, "/", object{"data": []any{"e"}}),
		"type -1":          packed(t, -1, "/", object{"data": []any{"e"}}),
		"type is text":     pack(t, object{"type": "2", "nsp": "/", "data": []any{"e"}}),
		"nsp is a number":  pack(t, object{"type": 2, "nsp": 1, "data": []any{"e"}}),
		"nsp has no slash": packed(t, 2, "x", object{"data": []any{"e"}}),
		"nsp has a comma":  packed(t, 2, "/,", object{"data": []any{"e"}}),
		"no data":          packed(t, 2, "/", nil),
		"data is null":     packed(t, 2, "/", object{"data": nil}),
		"data is a map":    packed(t, 2, "/", object{"data": object{"0": "e"}}),
		"no name":          packed(t, 2, "/", object{"data": []any{}}),
		"reserved name":    packed(t, 2, "/", object{"data": []any{"disconnect"}}),
		"id is negative":   packed(t, 2, "/", object{"id": -1, "data": []any{"e"}}),
		"id is text":       packed(t, 2, "/", object{"id": "1", "data": []any{"e"}}),
		"binary greeting":  packed(t, 0, "/a", object{"data": object{"a": []byte{1}}}),
		"forged place":     packed(t, 2, "/", object{"data": []any{"e", []byte{1}, object{"_placeholder": true, "num": 7}}}),
		"deep":             append([]byte("\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e"), append(deep, 0xc0)...),
		"huge array":       []byte("\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\xff\xff\xff\xff\xa1e"),
	} {
		t.Run(name, func(t *testing.T) {
			c := clients.For(t).Open(siotest.Options{})
			_ = c.SendBinary(packed(t, 0, "/", nil))
			wantPacked(t, c, 0, "/", nil)
			_ = c.SendBinary(b)
			c.WantEnd()
		})
	}
	t.Run("text", func(t *testing.T) {
		c := clients.For(t).Open(siotest.Options{})
		_ = c.Send("0")
		c.WantEnd()
	})
}

func FuzzMessagePack(f *testing.F) {
	f.Add(packed(f, 0, "/", nil))
	f.Add(packed(f, 2, "/chat", object{"id": 1, "data": []any{"e", []byte{1}, object{"_placeholder": true, "num": 0}}}))
	f.Add(packed(f, 3, "/chat", object{"id": 1, "data": []any{1.5, nil, "x"}}))
	f.Fuzz(func(t *testing.T, b []byte) { socketio.CheckUnpack(t, b) })
}

// TestMessagePackRecovery: offsets find their place in MessagePack, too.
func TestMessagePackRecovery(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Parser: socketio.MessagePack, Recovery: &socketio.Recovery{}})
	ns := srv.Of("/")
	sockets, ends := joined(ns), gone(ns)
	join := func(auth object) *siotest.Client {
		c := clients.Open(siotest.Options{})
		_ = c.SendBinary(packed(t, 0, "/", auth))
		return c
	}
	c := join(nil)
	greeting := wantPacked(t, c, 0, "/", nil)["data"].(object)
	id := next(t, sockets).ID()
	offsets := map[any]bool{}
	var offset any
	for i := range 3 {
		if err := ns.Emit("e", i, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		data := wantPacked(t, c, 2, "/", nil)["data"].([]any)
		if len(data) != 4 || !bytes.Equal(pack(t, data[:3]), pack(t, []any{"e", int64(i), []byte{byte(i)}})) {
			t.Fatalf("event %d: %v", i, data)
		}
		if i == 0 {
			offset = data[3]
		}
		offsets[data[3]] = true
	}
	if len(offsets) != 3 || offsets["--------"] {
		t.Errorf("offsets: %v", offsets)
	}
	c.Close()
	next(t, ends)
	c = join(object{"data": object{"pid": greeting["pid"], "offset": offset}})
	for i := 1; i < 3; i++ {
		data := wantPacked(t, c, 2, "/", nil)["data"].([]any)
		if data[1] != int64(i) {
			t.Errorf("missed event %d: %v", i, data)
		}
	}
	if again := wantPacked(t, c, 0, "/", nil)["data"].(object); again["sid"] != id {
		t.Errorf("came back as %v, was %s", again["sid"], id)
	}
}
