package cluster_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/memory"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// post posts body to the front, for a session of the owner that there need not be.
func (p *pair) post(t *testing.T, sid string, body io.Reader) (status int, answered string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "/engine.io/?EIO=4&transport=polling&sid="+sid, body)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	w := &answer{header: http.Header{}, Writer: &text}
	p.front.engine.ServeHTTP(w, r)
	return w.status, text.String()
}

// TestBodyUnread posts what never comes, for sessions of nobody: the answer does not wait
// for it.
func TestBodyUnread(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, _ *siotest.Server) {
		time.Sleep(time.Minute) // all nodes are known
		r, w := io.Pipe()
		defer w.Close()
		began := time.Now()
		if status, text := p.post(t, "nobodyAAAAAAAAAAAAAA", r); status != http.StatusBadRequest || time.Since(began) > 0 {
			t.Errorf("%d %s after %v", status, text, time.Since(began))
		}
	})
}

// TestBodiesHeld has bodies that do not end take all the room that there is for them. When
// they are given up, there is room again.
func TestBodiesHeld(t *testing.T) {
	bubble(t, engineio.Options{MaxPayload: 1000}, cluster.Options{MaxBytes: 2500}, func(t *testing.T, p *pair, _ *siotest.Server) {
		sid := p.owner.Prefix() + "AAAAAAAAAAAAAA"
		slow := make(chan int)
		var writers []*io.PipeWriter
		for range 2 {
			r, w := io.Pipe()
			go func() {
				status, _ := p.post(t, sid, r)
				slow <- status
			}()
			if _, err := io.WriteString(w, strings.Repeat("4", 999)); err != nil {
				t.Fatal(err)
			}
			writers = append(writers, w)
		}
		synctest.Wait()
		if status, _ := p.post(t, sid, strings.NewReader(strings.Repeat("4", 600))); status != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", status)
		}
		for _, w := range writers {
			w.CloseWithError(errors.New("the client is gone"))
			if status := <-slow; status != http.StatusBadRequest {
				t.Errorf("status %d of a body that broke off", status)
			}
		}
		if status, text := p.post(t, sid, strings.NewReader(strings.Repeat("4", 600))); status != http.StatusBadRequest || !strings.Contains(text, "Session ID unknown") {
			t.Errorf("%d %s", status, text)
		}
	})
}

// A crowded network has no room for messages, as long as a test wants.
type crowded struct {
	*mem
	why  error
	full atomic.Bool
}

func (c *crowded) Send(to string, message []byte) error {
	if c.full.Load() {
		return fmt.Errorf("crowded: %w", c.why)
	}
	return c.mem.Send(to, message)
}

// TestNoRoom has the mesh be full, or without a connection, for some time: what comes through connections waits, and
// so do answers; new requests are refused with a status at which a proxy asks the next node.
func TestNoRoom(t *testing.T) {
	for _, why := range []error{adapter.ErrFull, errors.New("no connection")} {
		t.Run(why.Error(), func(t *testing.T) { noRoom(t, why) })
	}
}

func noRoom(t *testing.T, why error) {
	synctest.Test(t, func(t *testing.T) {
		bus := &memory.Bus{}
		fromOwner, fromFront := &crowded{mem: bus.Node(), why: why}, &crowded{mem: bus.Node(), why: why}
		p := &pair{owner: start(t, fromOwner, engineio.Options{}, cluster.Options{}), front: start(t, fromFront, engineio.Options{}, cluster.Options{})}
		synctest.Wait()
		clients := siotest.Pipe(t, p)
		polling, relayed := clients.Open(siotest.Options{Polling: true}), clients.Open(siotest.Options{Upgrade: true})
		if err := relayed.Upgraded(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()

		fromOwner.full.Store(true)
		(<-p.owner.opened).Send(engineio.NewMessage(append(make([]byte, engineio.Headroom), "hello"...), nil))
		(<-p.owner.opened).Send(engineio.NewMessage(append(make([]byte, engineio.Headroom), "hello"...), nil))
		time.Sleep(time.Second)
		fromOwner.full.Store(false)
		polling.Want("hello")
		relayed.Want("hello")

		fromFront.full.Store(true)
		if status, _ := p.post(t, polling.SID, strings.NewReader("4hello")); status != http.StatusServiceUnavailable {
			t.Errorf("status %d", status)
		}
		if err := relayed.Send("hello again"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		fromFront.full.Store(false)
		relayed.Want("hello again")
	})
}
