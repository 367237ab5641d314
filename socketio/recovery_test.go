package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// greeted is what a client is told on joining.
type greeted struct{ SID, PID string }

// comeback joins the main namespace, with what the client has from before, and
// returns the events that came before the greeting.
func comeback(t *testing.T, c *siotest.Client, pid, offset string) (g greeted, missed []string) {
	t.Helper()
	auth := map[string]string{}
	if pid != "" {
		auth["pid"] = pid
	}
	if offset != "" {
		auth["offset"] = offset
	}
	data, _ := json.Marshal(auth)
	if err := c.Send("0" + string(data)); err != nil {
		t.Fatal(err)
	}
	for {
		text := c.Text()
		if data, ok := strings.CutPrefix(text, "0"); ok {
			if err := json.Unmarshal([]byte(data), &g); err != nil || g.PID == "" {
				t.Fatalf("greeting: %q", text)
			}
			return g, missed
		}
		missed = append(missed, text)
	}
}

// offsetOf returns the offset that an event carries, and the event without it.
func offsetOf(t *testing.T, packet string) (event, offset string) {
	t.Helper()
	i := strings.LastIndex(packet, `,"`)
	if i < 0 || !strings.HasSuffix(packet, `"]`) || !slices.Contains([]int{8, 22}, len(packet)-i-len(`,""]`)) {
		t.Fatalf("no offset in %q", packet)
	}
	return packet[:i] + "]", packet[i+2 : len(packet)-2]
}

func wantEvents(t *testing.T, got []string, want ...string) {
	t.Helper()
	events := make([]string, len(got))
	for i, p := range got {
		events[i], _ = offsetOf(t, p)
	}
	if strings.Join(events, "\n") != strings.Join(want, "\n") {
		t.Errorf("missed events: %q\nwant %q", events, want)
	}
}

func emit(t *testing.T, b socketio.Broadcast, event string, args ...any) {
	t.Helper()
	if err := b.Emit(event, args...); err != nil {
		t.Error(err)
	}
}

func TestRecovery(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{}})
	ns := srv.Of("/")
	sockets, gone := joined(ns), gone(ns)
	c := clients.Open(siotest.Options{})
	g, _ := comeback(t, c, "", "")
	s := next(t, sockets)
	s.Join("room", "left")
	s.SetData("data")
	s.SetValue("key", "value")
	emit(t, ns.To("room"), "a", 1)
	emit(t, ns.Volatile(), "volatile", "text")
	_, offset := offsetOf(t, c.Text())
	if event, again := offsetOf(t, c.Text()); again != offset || event != `2["volatile","text"]` {
		t.Errorf("volatile event: %s with offset %s, want that of the event before: %s", event, again, offset)
	}
	emit(t, ns.To("left"), "sent before it left", 2)
	s.Leave("left")
	c.Close()
	next(t, gone)

	emit(t, ns.To("room"), "b", []byte{1, 2})
	emit(t, ns.To("other"), "not for it")
	emit(t, ns.Except("room"), "not for it")
	emit(t, ns.To("left"), "not for it")
	emit(t, ns.Volatile(), "volatile")
	emit(t, ns.To(g.SID), "c")
	if err := s.Emit("d"); err != nil {
		t.Errorf("emit to a socket that is away: %v", err)
	}

	c = clients.Open(siotest.Options{})
	_ = c.Send(fmt.Sprintf(`0{"pid":%q,"offset":%q}`, g.PID, offset))
	var got []string
	for range 2 {
		got = append(got, c.Text())
	}
	c.WantBinary([]byte{1, 2})
	for range 2 {
		got = append(got, c.Text())
	}
	wantEvents(t, got, `2["sent before it left",2]`, `51-["b",{"_placeholder":true,"num":0}]`, `2["c"]`, `2["d"]`)
	c.Want(fmt.Sprintf(`0{"sid":%q,"pid":%q}`, g.SID, g.PID))

	again := next(t, sockets)
	if again == s || !again.Recovered() || s.Recovered() || again.ID() != g.SID || again.Data() != "data" || again.Value("key") != "value" {
		t.Errorf("recovered %v, id %s, data %v, value %v", again.Recovered(), again.ID(), again.Data(), again.Value("key"))
	}
	if rooms := again.Rooms(); len(rooms) != 2 || rooms[1] != "room" {
		t.Errorf("rooms: %q", rooms)
	}
	if err := s.Emit("e"); err != nil {
		t.Error(err)
	}
	if event, _ := offsetOf(t, c.Text()); event != `2["e"]` {
		t.Errorf("got %s, want what was sent by the old socket", event)
	}
}

// TestRecoveryRefused has the ways in which a client is a new one.
func TestRecoveryRefused(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{MaxPackets: 3, MaxBytes: 10_000}})
	ns := srv.Of("/")
	sockets := joined(ns)
	for name, f := range map[string]func(c *siotest.Client, s *socketio.Socket, pid, offset *string){
		"disconnected by the server": func(c *siotest.Client, s *socketio.Socket, _, _ *string) { s.Disconnect(true) },
		"disconnected while away": func(c *siotest.Client, s *socketio.Socket, _, _ *string) {
			c.Close()
			<-s.Context().Done()
			s.Disconnect(false)
		},
		"left by itself":     func(c *siotest.Client, s *socketio.Socket, _, _ *string) { _ = c.Send("1") },
		"broke the protocol": func(c *siotest.Client, s *socketio.Socket, _, _ *string) { _ = c.Send("9") },
		"other pid":          func(c *siotest.Client, s *socketio.Socket, pid, _ *string) { *pid = "x"; c.Close() },
		"no offset of ours":  func(c *siotest.Client, s *socketio.Socket, _, offset *string) { *offset = "x"; c.Close() },
		"offset to come":     func(c *siotest.Client, s *socketio.Socket, _, offset *string) { *offset = "________"; c.Close() },
		"too many events": func(c *siotest.Client, s *socketio.Socket, _, _ *string) {
			c.Close()
			for range 4 {
				emit(t, ns.Local(), "e")
			}
		},
		"too many bytes": func(c *siotest.Client, s *socketio.Socket, _, _ *string) {
			c.Close()
			emit(t, ns.Local(), "e", strings.Repeat("x", 10_000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			clients := clients.For(t)
			c := clients.Open(siotest.Options{})
			g, _ := comeback(t, c, "", "")
			s := next(t, sockets)
			emit(t, ns.Local(), "a")
			_, offset := offsetOf(t, c.Text())
			pid := g.PID
			f(c, s, &pid, &offset)
			<-s.Context().Done()
			again, missed := comeback(t, clients.Open(siotest.Options{}), pid, offset)
			if s := next(t, sockets); s.Recovered() || again.SID == g.SID || again.PID == g.PID || len(missed) > 0 {
				t.Errorf("recovered %v: sid %s, pid %s, events %q", s.Recovered(), again.SID, again.PID, missed)
			}
		})
	}
}

// TestRecoveryQuiet lets a client come back that was sent nothing for long, while
// others were sent more than is kept.
func TestRecoveryQuiet(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{MaxPackets: 3}})
	ns := srv.Of("/")
	gone := gone(ns)
	for _, offset := range []bool{true, false} {
		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		at := ""
		if offset {
			emit(t, ns.To(g.SID), "a")
			_, at = offsetOf(t, c.Text())
		}
		for range 10 {
			emit(t, ns.To("others"), "e")
		}
		c.Close()
		next(t, gone)
		emit(t, ns.To("others"), "e")
		emit(t, ns.To(g.SID), "b")
		again, missed := comeback(t, clients.Open(siotest.Options{}), g.PID, at)
		wantEvents(t, missed, `2["b"]`)
		if again != g {
			t.Errorf("with an offset: %v: is %v, was %v", offset, again, g)
		}
	}
}

// TestRecoveryBeforeLoss lets a client come back whose old connection the server
// believes to be alive.
func TestRecoveryBeforeLoss(t *testing.T) {
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{}})
	ns := srv.Of("/")
	var j journal
	release := make(chan struct{})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		j.note("connect %v %v", s.Recovered(), s.Data())
		return nil
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) {
		if !s.Recovered() {
			<-release
			s.SetData("kept at the end")
		}
		j.note("disconnect %v", reason)
	})
	old := clients.Open(siotest.Options{})
	g, _ := comeback(t, old, "", "")
	emit(t, ns.Local(), "a")
	_, offset := offsetOf(t, old.Text())
	emit(t, ns.Local(), "b") // gets lost

	c := clients.Open(siotest.Options{})
	close(release)
	again, missed := comeback(t, c, g.PID, offset)
	wantEvents(t, missed, `2["b"]`)
	if again != g {
		t.Errorf("is %v, was %v", again, g)
	}
	emit(t, ns.Local(), "c")
	if event, _ := offsetOf(t, c.Text()); event != `2["c"]` {
		t.Errorf("got %s", event)
	}
	want := "[connect false <nil> disconnect transport close connect true kept at the end]"
	if got := fmt.Sprint(j.read()); got != want {
		t.Errorf("handlers: %s\nwant %s", got, want)
	}
}

func TestRecoveryMiddlewares(t *testing.T) {
	for _, skip := range []bool{false, true} {
		srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{SkipMiddlewares: skip}})
		ns := srv.Of("/")
		var j journal
		ns.Use(func(_ context.Context, s *socketio.Socket) error {
			j.note("%v", s.Recovered())
			if s.Recovered() {
				return fmt.Errorf("no")
			}
			return nil
		})
		gone := gone(ns)
		c := clients.Open(siotest.Options{})
		g, _ := comeback(t, c, "", "")
		c.Close()
		next(t, gone)
		c = clients.Open(siotest.Options{})
		if skip {
			comeback(t, c, g.PID, "")
		} else {
			_ = c.Send(`0{"pid":"` + g.PID + `"}`)
			c.Want(`4{"message":"no"}`)
		}
		if got, want := len(j.read()), map[bool]int{true: 1, false: 2}[skip]; got != want {
			t.Errorf("skip %v: middlewares ran %d times, want %d", skip, got, want)
		}
	}
}

func TestRecoveryExpires(t *testing.T) {
	opts := socketio.Options{
		Engine:   engineio.Options{PingInterval: time.Hour, PingTimeout: time.Hour},
		Recovery: &socketio.Recovery{MaxDisconnection: time.Minute, MaxSessions: 2},
	}
	bubble(t, opts, func(t *testing.T, srv *socketio.Server, clients *siotest.Server) {
		lose := func() greeted {
			c := clients.Open(siotest.Options{})
			g, _ := comeback(t, c, "", "")
			c.Close()
			synctest.Wait()
			return g
		}
		recovered := func(g greeted) bool {
			c := clients.Open(siotest.Options{})
			again, _ := comeback(t, c, g.PID, "")
			c.Close()
			synctest.Wait()
			return again == g
		}
		g := lose()
		time.Sleep(time.Minute - time.Second)
		if !recovered(g) {
			t.Error("not recovered in time")
		}
		time.Sleep(time.Minute - time.Second)
		if !recovered(g) {
			t.Error("not recovered in time, the second time")
		}
		time.Sleep(time.Minute)
		if recovered(g) {
			t.Error("recovered too late")
		}
		time.Sleep(time.Minute)
		first, second, third := lose(), lose(), lose()
		if recovered(first) {
			t.Error("more recovered than there may be")
		}
		if !recovered(third) || recovered(second) {
			t.Error("want the last one recovered, whose place a new one has taken after")
		}
	})
}

// A pause is a log that holds up the first who says that a socket was lost.
type pause struct {
	slog.Handler
	once       *sync.Once
	lost, goOn chan struct{}
}

func (p pause) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "socket lost" {
		first := false
		p.once.Do(func() { first = true })
		if first {
			close(p.lost)
			<-p.goOn
		}
	}
	return nil
}

// TestRecoveryWhileClosing lets a client come back while the end of its connection is
// noticed: its first socket has left, the second has not.
func TestRecoveryWhileClosing(t *testing.T) {
	debug := slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})
	p := pause{debug, new(sync.Once), make(chan struct{}), make(chan struct{})}
	defer close(p.goOn)
	srv, clients := serve(t, socketio.Options{Recovery: &socketio.Recovery{}, Logger: slog.New(p)})
	srv.Of("/first")
	all := joined(srv.Of("/"))
	c := clients.Open(siotest.Options{})
	c.Join("/first", "")
	g, _ := comeback(t, c, "", "")
	next(t, all)
	c.Close()
	next(t, p.lost)

	again, _ := comeback(t, clients.Open(siotest.Options{}), g.PID, "")
	if s := next(t, all); again != g || !s.Recovered() {
		t.Errorf("is %v, recovered %v, was %v", again, s.Recovered(), g)
	}
}
