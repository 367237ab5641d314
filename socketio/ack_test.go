package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

func TestAcksForClients(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/chat")
		socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil })
		ns.Handle("many", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
			return e.Ack(1, "둘", nil, message{"a", "b"})
		})
		ns.Handle("none", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error { return e.Ack() })
		c := clients.Open(o)
		c.Join("/chat", "")
		for _, test := range []struct{ send, want string }{
			{`2/chat,0["echo","안녕 👋"]`, `3/chat,0["안녕 👋"]`},
			{`2/chat,9007199254740991["echo",{"b":1.50,"a":[]}]`, `3/chat,9007199254740991[{"b":1.50,"a":[]}]`},
			{`2/chat,12["echo"]`, `3/chat,12[null]`},
			{`2/chat,13["many"]`, `3/chat,13[1,"둘",null,{"name":"a","text":"b"}]`},
			{`2/chat,14["none"]`, `3/chat,14[]`},
			{`2/chat,["many"]`, ""},                       // wants none
			{`2/chat,12["echo",true]`, `3/chat,12[true]`}, // a number again is the client's business
		} {
			if test.want == "" {
				continue
			}
			_ = c.Send(test.send)
			if got := c.Text(); unescape(got) != unescape(test.want) {
				t.Errorf("%s: got %s, want %s", test.send, got, test.want)
			}
		}
		_ = c.Send(`52-/chat,5["echo",{"a":{"_placeholder":true,"num":1},"b":[{"_placeholder":true,"num":0}]}]`, []byte("x"), []byte{0, 255})
		c.Want(`62-/chat,5[{"a":{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":1}]}]`)
		c.WantBinary([]byte{0, 255})
		c.WantBinary([]byte("x"))
	})
}

// unescape undoes \uXXXX, in which old clients get text over polling.
func unescape(s string) string {
	var b strings.Builder
	b.WriteString(s)
	return strings.NewReplacer(`\uc548`, "안", `\ub155`, "녕", `\ud83d\udc4b`, "👋", `\ub458`, "둘").Replace(b.String())
}

// TestAckNow has answers come at once, after what was said before them, whether other
// events wait or not.
func TestAckNow(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		ns := srv.Of("/")
		ns.Handle("now", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
			if err := s.Emit("before"); err != nil {
				return err
			}
			return errors.Join(e.AckNow(1, []byte("b")), s.Emit("after"))
		})
		c := clients.Open(o)
		c.Join("/", "")
		for range 3 {
			const count = 20
			for id := range count {
				_ = c.Send(fmt.Sprintf(`2%d["now"]`, id))
			}
			for id := range count {
				c.Want(`2["before"]`, fmt.Sprintf(`61-%d[1,{"_placeholder":true,"num":0}]`, id))
				c.WantBinary([]byte("b"))
				c.Want(`2["after"]`)
			}
		}
	})
}

func TestAckTwice(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	errs := make(chan error, 8)
	srv.Of("/").Handle("e", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
		errs <- e.Ack(func() {}) // can't be encoded: does not count
		errs <- e.Ack(1)
		errs <- e.Ack(2)
		if e.WantsAck() {
			go func() { errs <- e.Ack(3) }()
		}
		return nil
	})
	c := clients.Join("/")
	_ = c.Send(`27["e"]`)
	if err := next(t, errs); err == nil || errors.Is(err, socketio.ErrAcked) {
		t.Errorf("Ack of a func: %v", err)
	}
	for i, want := range []error{nil, socketio.ErrAcked, socketio.ErrAcked} {
		if err := next(t, errs); err != want {
			t.Errorf("Ack %d: %v, want %v", i+1, err, want)
		}
	}
	c.Want(`37[1]`)
	_ = c.Send(`2["e"]`) // nobody waits: nothing is sent, and nothing is wrong
	for range 3 {
		if err := next(t, errs); err != nil {
			t.Error(err)
		}
	}
	_ = c.Send("0/x,")
	c.Want(`4/x,{"message":"Invalid namespace"}`)
}

func TestAckLate(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	events := make(chan *socketio.Event, 1)
	reasons := gone(srv.Of("/"))
	srv.Of("/").Handle("e", func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error { events <- e; return nil })
	c := clients.Join("/")
	_ = c.Send(`21["e"]`)
	if err := next(t, events).Ack("later"); err != nil {
		t.Error(err)
	}
	c.Want(`31["later"]`)
	_ = c.Send(`22["e"]`)
	e := next(t, events)
	_ = c.Send("1")
	next(t, reasons)
	if err := e.Ack("too late"); err != nil { // for a socket that is no more
		t.Error(err)
	}
	c.Join("/", "")
}

func TestEmitWithAck(t *testing.T) {
	everyWay(t, func(t *testing.T, o siotest.Options) {
		srv, clients := serve(t, socketio.Options{})
		sockets := joined(srv.Of("/"))
		c := clients.Open(o)
		c.Join("/", "")
		s := next(t, sockets)
		answers := make(chan []string, 1)
		ask := func() {
			args, err := s.EmitWithAck(t.Context(), "ask", "q", []byte{1})
			if err != nil {
				t.Error(err)
			}
			var answer []string
			for i := range args.Len() {
				raw, err := args.Raw(i)
				if err != nil {
					t.Error(err)
				}
				answer = append(answer, fmt.Sprintf("%s %x", raw.JSON, raw.Attachments))
			}
			answers <- answer
		}
		for i, test := range []struct {
			answer      string
			attachments [][]byte
			want        []string
		}{
			{`3%d["a",{"b":1.0}]`, nil, []string{`"a" []`, `{"b":1.0} []`}},
			{`3%d[]`, nil, nil},
			{`62-%d[{"_placeholder":true,"num":1},0,{"_placeholder":true,"num":0}]`, [][]byte{{1}, {2}},
				[]string{`{"_placeholder":true,"num":0} [02]`, "0 []", `{"_placeholder":true,"num":0} [01]`}},
		} {
			go ask()
			c.Want(fmt.Sprintf(`51-%d["ask","q",{"_placeholder":true,"num":0}]`, i))
			c.WantBinary([]byte{1})
			_ = c.Send(fmt.Sprintf(`3%d["unknown"]`, i+1))
			_ = c.Send(`39007199254740991["unknown"]`)
			_ = c.Send(fmt.Sprintf(test.answer, i), test.attachments...)
			_ = c.Send(fmt.Sprintf(`3%d["again"]`, i))
			if diff := cmp.Diff(test.want, next(t, answers)); diff != "" {
				t.Errorf("%s: %s", test.answer, diff)
			}
		}
	})
}

// TestEmitWithAckInHandler asks the client whose event is being handled, while
// more of its events wait.
func TestEmitWithAckInHandler(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	socketio.OnAck(srv.Of("/"), "e", func(ctx context.Context, s *socketio.Socket, n int) (string, error) {
		args, err := s.EmitWithAck(ctx, "ask", n)
		if err != nil {
			return "", err
		}
		var answer string
		err = args.Decode(&answer)
		return answer, err
	})
	srv.Of("/").OnError(func(_ context.Context, _ *socketio.Socket, _ *socketio.Event, err error) { t.Error(err) })
	c := clients.Join("/")
	for i := range 100 {
		_ = c.Send(fmt.Sprintf(`2%d["e",%d]`, i, i))
	}
	for i := range 100 {
		c.Want(fmt.Sprintf(`2%d["ask",%d]`, i, i))
		_ = c.Send(fmt.Sprintf(`3%d["yes"]`, i))
		c.Want(fmt.Sprintf(`3%d["yes"]`, i))
	}
}

func TestEmitWithAckGivesUp(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		sockets := joined(srv.Of("/"))
		c := clients.Join("/")
		s := <-sockets

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := s.EmitWithAck(ctx, "ask")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		c.Want(`20["ask"]`)
		_ = c.Send(`30["too late"]`)

		if _, err := s.EmitWithAck(t.Context(), "ask", func() {}); err == nil {
			t.Error("a func was encoded")
		}
		result := make(chan error)
		go func() {
			_, err := s.EmitWithAck(t.Context(), "ask")
			result <- err
		}()
		synctest.Wait()
		c.Close()
		if err := <-result; err != socketio.ErrDisconnected {
			t.Errorf("disconnected while waiting: %v", err)
		}
		if _, err := s.EmitWithAck(t.Context(), "ask"); err != socketio.ErrDisconnected {
			t.Errorf("to a socket that has left: %v", err)
		}
	})
}

func TestReservedNames(t *testing.T) {
	srv, clients := serve(t, socketio.Options{})
	sockets := joined(srv.Of("/"))
	c := clients.Join("/")
	s := next(t, sockets)
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		_, err := s.EmitWithAck(t.Context(), name)
		for _, err := range []error{err, s.Emit(name), srv.Emit(name, 1), srv.Of("/").To("r").Emit(name)} {
			if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("socketio: encode %q: ", name)) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := s.Emit("e", func() {}); err == nil || !strings.HasPrefix(err.Error(), `socketio: encode "e": `) {
		t.Errorf("a func was encoded: %v", err)
	}
	_ = s.Emit("end")
	c.Want(`2["end"]`)
}
