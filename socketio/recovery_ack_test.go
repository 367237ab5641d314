package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// ask emits a question on a goroutine of its own and returns where its answer goes.
func ask(s *socketio.Socket, n int) <-chan string {
	got := make(chan string, 1)
	go func() {
		args, err := s.EmitWithAck(context.Background(), "question", n)
		var answer string
		if err == nil {
			err = args.Decode(&answer)
		}
		if errors.Is(err, socketio.ErrDisconnected) {
			answer = "disconnected"
		} else if err != nil {
			answer = err.Error()
		}
		got <- answer
	}()
	return got
}

// question returns the id of a question that came.
func question(t *testing.T, text string, n int) (id int) {
	t.Helper()
	if _, err := fmt.Sscanf(text, `2%d["question",`, &id); err != nil || !strings.HasSuffix(text, fmt.Sprintf(",%d]", n)) {
		t.Fatalf("got %q, want question %d", text, n)
	}
	return id
}

func TestRecoveryAcks(t *testing.T) {
	bubble(t, socketio.Options{Recovery: &socketio.Recovery{}}, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		ns := srv.Of("/")
		sockets := joined(ns)
		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		s := next(t, sockets)
		emit(t, ns.Local(), "before")
		_, offset := offsetOf(t, c.Text())
		answered := ask(s, 1)
		_ = c.Send(fmt.Sprintf(`3%d["one"]`, question(t, c.Text(), 1)))
		if got := next(t, answered); got != "one" {
			t.Errorf("answer %q", got)
		}
		lost := ask(s, 2)
		id := question(t, c.Text(), 2)
		c.Close()
		synctest.Wait()
		away := ask(s, 3)
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		givenUp := make(chan error, 1)
		go func() {
			_, err := s.EmitWithAck(ctx, "given up")
			givenUp <- err
		}()
		synctest.Wait()
		cancel()
		if err := next(t, givenUp); !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}

		c = clients.Open(siotest.Options{})
		again, missed := comeback(t, c, g.PID, offset)
		if again != g || len(missed) != 2 || question(t, missed[0], 2) != id {
			t.Fatalf("is %v, was %v; missed %q, want questions 2 and 3", again, g, missed)
		}
		_ = c.Send(fmt.Sprintf(`3%d["three"]`, question(t, missed[1], 3)))
		_ = c.Send(fmt.Sprintf(`3%d["two"]`, id))
		if two, three := next(t, lost), next(t, away); two != "two" || three != "three" {
			t.Errorf("answers %q, %q", two, three)
		}

		expires := ask(s, 4)
		synctest.Wait()
		c.Close()
		synctest.Wait()
		nothing(t, expires)
		time.Sleep(2 * time.Minute)
		if got := next(t, expires); got != "disconnected" {
			t.Errorf("answer %q of a client that stays away", got)
		}
		if got := next(t, ask(s, 5)); got != "disconnected" {
			t.Errorf("answer %q of a client that stays away", got)
		}
	})
}

// TestRecoveryAcksEnd closes a server while somebody waits for a client that is away.
func TestRecoveryAcksEnd(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{}})
	ns := srv.Of("/")
	gone := gone(ns)
	answers := make(chan error, 1)
	started := make(chan struct{})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		close(started)
		_, err := s.EmitWithAck(context.Background(), "question")
		answers <- err
		return nil
	})
	c := clients.Open(siotest.Options{})
	comeback(t, c, "", "")
	next(t, started)
	c.Text()
	c.Close()
	nothing(t, gone) // its handler waits
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := next(t, answers); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("EmitWithAck: %v", err)
	}
}
