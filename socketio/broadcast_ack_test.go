package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestBroadcastEmitWithAck: one packet with one id goes to all; everybody's answer
// comes back, with binary.
func TestBroadcastEmitWithAck(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		t.Run(fmt.Sprint("protocol ", protocol), func(t *testing.T) {
			srv, clients := serve(t, socketio.Options{})
			ns := srv.Of("/")
			sockets := joined(ns)
			var all []*siotest.Client
			var ids []string
			for i := range 3 {
				c := clients.Open(siotest.Options{Protocol: protocol})
				c.Join("/", "")
				all = append(all, c)
				s := next(t, sockets)
				if i > 0 {
					s.Join("room")
					ids = append(ids, s.ID())
				}
			}
			done := make(chan []socketio.Answer)
			go func() {
				answers, err := ns.To("room").EmitWithAck(t.Context(), "q", 1)
				if err != nil {
					t.Error(err)
				}
				done <- answers
			}()
			for i, c := range all[1:] {
				c.Want(`20["q",1]`)
				_ = c.Send(fmt.Sprintf(`61-0[%d,{"_placeholder":true,"num":0}]`, i), []byte{byte(i)})
			}
			answers := next(t, done)
			if len(answers) != 2 {
				t.Fatalf("%d answers", len(answers))
			}
			slices.SortFunc(answers, func(a, b socketio.Answer) int {
				return slices.Index(ids, a.Socket) - slices.Index(ids, b.Socket)
			})
			for i, a := range answers {
				var n int
				var b []byte
				if err := a.Args.Decode(&n, &b); err != nil || a.Socket != ids[i] || n != i || string(b) != string(byte(i)) {
					t.Errorf("answer %d: %v of %s: %d, %x", i, err, a.Socket, n, b)
				}
			}
		})
	}
}

func TestBroadcastEmitWithAckNobody(t *testing.T) {
	srv := newServer(t, socketio.Options{})
	if answers, err := srv.Of("/").EmitWithAck(t.Context(), "q"); len(answers) > 0 || err != nil {
		t.Error(answers, err)
	}
	if _, err := srv.Of("/").EmitWithAck(t.Context(), "q", func() {}); err == nil {
		t.Error("no error for what can't be encoded")
	}
}

// TestBroadcastEmitWithAckMissing: of three clients one answers, one leaves and one
// is silent.
func TestBroadcastEmitWithAckMissing(t *testing.T) {
	bubble(t, socketio.Options{}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		ns := srv.Of("/")
		sockets := joined(ns)
		good := clients.Join("/")
		<-sockets
		leaver := clients.Join("/")
		left := <-sockets
		silent := clients.Join("/")
		mute := <-sockets
		go func() {
			good.Want(`20["q"]`)
			_ = good.Send(`30["yes"]`)
			leaver.Want(`20["q"]`)
			leaver.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answers, err := ns.EmitWithAck(ctx, "q")
		var missing *socketio.MissingError
		if !errors.As(err, &missing) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		slices.Sort(missing.Sockets)
		want := []string{left.ID(), mute.ID()}
		slices.Sort(want)
		if len(answers) != 1 || missing.Asked != 3 || !slices.Equal(missing.Sockets, want) {
			t.Errorf("%d answers, %+v", len(answers), missing)
		}
		silent.Want(`20["q"]`)
		_ = silent.Send(`30["too late"]`)
		synctest.Wait()

		// Nobody is there to wait for any more.
		go func() {
			good.Want(`21["q"]`)
			_ = good.Send(`31[]`)
			silent.Want(`21["q"]`)
			silent.Close()
		}()
		answers, err = ns.EmitWithAck(t.Context(), "q")
		if !errors.As(err, &missing) || !errors.Is(err, socketio.ErrDisconnected) ||
			len(answers) != 1 || !slices.Equal(missing.Sockets, []string{mute.ID()}) {
			t.Errorf("%d answers, %v", len(answers), err)
		}
	})
}
