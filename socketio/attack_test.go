package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// What has brought servers in JavaScript down; docs/security.md has the list.

// prototypes are names that every object has there, or whose value is the object's
// prototype.
var prototypes = []string{"__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "length", "then"}

// TestPrototypeKeys uses such names for all that has one: they are names like
// others.
func TestPrototypeKeys(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		unknown := make(chan string, 100)
		for _, name := range append(prototypes, "") {
			ns := srv.Of(name)
			socketio.OnAck(ns, "join", func(_ context.Context, s *socketio.Socket, room string) ([]string, error) {
				s.Join(room)
				return s.Rooms(), nil
			})
			socketio.OnAck(ns, "keys", func(_ context.Context, _ *socketio.Socket, v struct{ Admin bool }) (bool, error) { return v.Admin, nil })
			socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
			ns.OnAny(func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
				unknown <- e.Name
				return nil
			})
		}
		o.Query = "__proto__=1&constructor=2"
		c := clients.Open(o)
		c.Join("/", "")
		for _, name := range prototypes {
			nsp := "/" + name
			c.Join(nsp, `{"__proto__":{"admin":true},"constructor":1}`)
			id := socketOf(t, srv.Of(nsp)).ID()
			c.Emit(nsp, fmt.Sprintf("[%q]", name)) // an event that nobody handles
			if got := next(t, unknown); got != name {
				t.Errorf("event %q", got)
			}
			_ = c.Send(fmt.Sprintf(`2%s,1["join",%q]`, nsp, name))
			rooms := c.Text()
			if a, b := fmt.Sprintf(`3%s,1[[%q,%q]]`, nsp, id, name), fmt.Sprintf(`3%s,1[[%q,%q]]`, nsp, name, id); rooms != a && rooms != b {
				t.Errorf("rooms: %s", rooms)
			}
			if err := srv.Of(nsp).To(name).Emit(name, map[string]int{name: 1}); err != nil {
				t.Error(err)
			}
			c.Want(fmt.Sprintf(`2%s,[%q,{%q:1}]`, nsp, name, name))
			_ = c.Send(fmt.Sprintf(`2%s,2["keys",{%q:{"admin":true}}]`, nsp, name))
			c.Want(fmt.Sprintf(`3%s,2[false]`, nsp))
			_ = c.Send(fmt.Sprintf(`2%s,3["echo",{%q:{%q:[null]}}]`, nsp, name, name))
			c.Want(fmt.Sprintf(`3%s,3[{%q:{%q:[null]}}]`, nsp, name, name))
			next(t, unknown)
			next(t, unknown)
			next(t, unknown)
		}
		for _, name := range prototypes { // namespaces that nobody made
			_ = c.Send("0/un" + name + ",")
			refusal := `{"message":"Invalid namespace"}`
			if o.Protocol == 3 {
				refusal = `"Invalid namespace"`
			}
			c.Want("4/un" + name + "," + refusal)
		}
	})
}

// socketOf returns the only socket of a namespace.
func socketOf(t *testing.T, ns *socketio.Namespace) *socketio.Socket {
	t.Helper()
	for _, s := range ns.LocalSockets() {
		return s
	}
	t.Fatalf("nobody is in %s", ns.Name())
	return nil
}

// TestTypeConfusion sends placeholders that stand for something else than an
// attachment, and attachments nobody announced, and looks at what handlers get.
func TestTypeConfusion(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		socketio.OnAck(ns, "raw", func(_ context.Context, _ *socketio.Socket, v json.RawMessage) (json.RawMessage, error) { return v, nil })
		reasons := gone(ns)
		for _, num := range []string{`"splice"`, `"constructor"`, `"__proto__"`, `"length"`, `"0"`, `[0]`, `{"length":1}`, `{"valueOf":0}`,
			`null`, `true`, `0.5`, `-1`, `-0`, `1e0`, `1`, `1e309`, `4294967296`, `18446744073709551616`} {
			c := clients.For(t).Open(o)
			c.Join("/", "")
			_ = c.Send(`51-1["raw",{"_placeholder":true,"num":` + num + `}]`)
			drain(t, c)
			if got := next(t, reasons); got != socketio.ParseError {
				t.Errorf("num %s: reason %q", num, got)
			}
		}

		c := clients.Open(o)
		c.Join("/", "")
		for _, data := range []string{
			`{"_placeholder":true,"num":0}`, // of a packet without attachments: an object like others
			`{"_placeholder":"true","num":0}`,
			`{"_placeholder":{},"num":0}`,
		} {
			_ = c.Send(`21["raw",` + data + `]`)
			c.Want(`31[` + data + `]`)
		}
	})
}

// TestNoAttachments announces none, or leaves out those that were announced: what
// comes then is not kept for a packet that never ends.
func TestNoAttachments(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		got, reasons := make(chan int, 10), gone(ns)
		socketio.On(ns, "e", func(_ context.Context, _ *socketio.Socket, a socketio.Args) error { got <- a.Len(); return nil })
		c := clients.Open(o)
		c.Join("/", "")
		_ = c.Send(`50-["e",1]`) // an event at once
		if n := next(t, got); n != 1 {
			t.Errorf("%d arguments", n)
		}
		_ = c.SendBinary([]byte("belongs to nothing"))
		drain(t, c)
		if got := next(t, reasons); got != socketio.ParseError {
			t.Errorf("reason %q", got)
		}
		nothing(t, got)
	})
}

// TestErrorEvents sends events that mean something to an EventEmitter, which throws
// for "error" if nobody listens, and has handlers fail, which nobody handles.
func TestErrorEvents(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		ns.Handle("fail", func(context.Context, *socketio.Socket, *socketio.Event) error { return errors.New("failed") })
		socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
		socketio.On(ns, "number", func(context.Context, *socketio.Socket, int) error { return nil })
		c := clients.Open(o)
		c.Join("/", "")
		for _, event := range []string{`["error"]`, `["error",{"message":"boom"}]`, `["exception"]`, `["fail"]`, `["fail",{"toString":1}]`,
			`["number","no number"]`, `["number",{}]`, `["connection"]`, `["uncaughtException"]`, `[1]`, `["nobody's"]`} {
			c.Emit("/", event)
		}
		_ = c.Send(`21["echo","still here"]`)
		c.Want(`31["still here"]`)
	})
}
