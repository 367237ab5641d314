package nats_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/nats"
	"github.com/damso/damso/internal/natstest"
)

func node(s *natstest.Server) *nats.Adapter { return nats.New(s.URL(), nats.Options{Logger: quiet}) }

// TestServerGoes lets the server end, or hang, and come back: questions end, Ready says
// so, and all is whole again afterwards.
func TestServerGoes(t *testing.T) {
	for name, fault := range map[string]struct{ away, back func(*natstest.Server) }{
		"killed":  {(*natstest.Server).Kill, (*natstest.Server).Restart},
		"stopped": {(*natstest.Server).Stop, (*natstest.Server).Restart},
		"hangs":   {(*natstest.Server).Pause, (*natstest.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			server := natstest.Start(t, "")
			a, b := node(server), node(server)
			members := adaptertest.Open(t, "/", adaptertest.Start(t, a, b)...)
			adaptertest.WaitServers(t, members...)
			members[1].Answers(func(*adapter.Operation, func(adapter.Answer)) {})
			q := adapter.NewQuery(&adapter.Operation{Kind: adapter.Fetch, Timeout: time.Hour}, func(adapter.Answer) {})
			if err := members[0].Ask(q); err != nil {
				t.Fatal(err)
			}
			members[1].Next(t)
			fault.away(server)
			if err := q.Wait(t.Context()); !errors.Is(err, nats.ErrUnavailable) {
				t.Errorf("Wait: %v, want ErrUnavailable", err)
			}
			for _, n := range []*nats.Adapter{a, b} {
				if err := adaptertest.WaitNotReady(t, n); !errors.Is(err, nats.ErrUnavailable) {
					t.Errorf("Ready: %v, want ErrUnavailable", err)
				}
			}
			if err := members[0].Publish(adaptertest.Event("lost", 1)); !errors.Is(err, nats.ErrUnavailable) {
				t.Errorf("Publish: %v, want ErrUnavailable", err)
			}
			fault.back(server)
			adaptertest.WaitReady(t, a)
			adaptertest.WaitReady(t, b)
			adaptertest.WaitServers(t, members...)
			members[0].Send(t, adaptertest.Event("heard", 1))
			members[1].Want(t, adaptertest.Event("heard", 1))
		})
	}
}

// TestStartsLater starts the nodes before the server.
func TestStartsLater(t *testing.T) {
	server := natstest.Start(t, "")
	server.Kill()
	a, b := node(server), node(server)
	adaptertest.Launch(t, a, b)
	server.Restart()
	members := adaptertest.Open(t, "/", a, b)
	members[0].Send(t, adaptertest.Event("e", 1))
	members[1].Want(t, adaptertest.Event("e", 1))
}

// TestMaxPayload has a server that takes little.
func TestMaxPayload(t *testing.T) {
	server := natstest.Start(t, "max_payload: 4096\n")
	a, b := node(server), node(server)
	members := adaptertest.Open(t, "/", adaptertest.Start(t, a, b)...)
	adaptertest.WaitServers(t, members...)
	large := adaptertest.Event("e", string(bytes.Repeat([]byte("1"), 5000)))
	if err := members[0].Publish(large); !errors.Is(err, adapter.ErrTooLarge) {
		t.Errorf("Publish: %v, want adapter.ErrTooLarge", err)
	}
	q := adapter.NewQuery(large, func(adapter.Answer) {})
	if err := members[0].Ask(q); !errors.Is(err, adapter.ErrTooLarge) {
		t.Errorf("Ask: %v, want adapter.ErrTooLarge", err)
	}
	members[1].Answers(func(_ *adapter.Operation, reply func(adapter.Answer)) { reply(adapter.Answer{Value: large.Event}) })
	got, err := members[0].Question(t, &adapter.Operation{Kind: adapter.ServerSide, Event: adaptertest.Event("ask", 1).Event})
	if err != nil || len(got) != 1 || got[0].Err == "" {
		t.Errorf("an answer that is too large: %+v, %v; want one with an error", got, err)
	}
}

// TestGarbage publishes what is no frame, and what is one of nobody.
func TestGarbage(t *testing.T) {
	server := natstest.Start(t, "")
	a, b := node(server), node(server)
	members := adaptertest.Open(t, "/", adaptertest.Start(t, a, b)...)
	adaptertest.WaitServers(t, members...)
	conn, err := natsgo.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*natsgo.Conn) { close(closed) })
	defer func() { conn.Close(); <-closed }()
	for _, data := range []string{"", "{}", "\x01\x05", "\x01\x05nobody\x00\x00\x00\x00\x00\x00\x00\x01"} {
		for _, subject := range []string{"damso.all", "damso.node." + b.Node()} {
			if err := conn.Publish(subject, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	members[0].Send(t, adaptertest.Event("e", 1))
	members[1].Want(t, adaptertest.Event("e", 1))
	if got := b.Stats().Undecodable; got != 8 {
		t.Errorf("%d messages were malformed, want 8", got)
	}
}

// stuck is a namespace whose Apply waits until it is told to go on.
type stuck struct {
	begun   func()
	release chan struct{}
}

func (s stuck) Apply(*adapter.Operation) {
	s.begun()
	<-s.release
}
func (stuck) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (stuck) Wants(string) bool                               { return true }

// TestSlowNode has a node that is too slow for what arrives: it loses some, counts
// that, and goes on.
func TestSlowNode(t *testing.T) {
	server := natstest.Start(t, "")
	slow := nats.New(server.URL(), nats.Options{Logger: quiet, MaxPending: 16})
	fast := node(server)
	adaptertest.Start(t, slow, fast)
	begun := make(chan struct{})
	local := stuck{sync.OnceFunc(func() { close(begun) }), make(chan struct{})}
	if _, err := slow.Open("/", local); err != nil {
		t.Fatal(err)
	}
	sending := adaptertest.Open(t, "/", fast)[0]
	adaptertest.WaitReady(t, slow)
	sending.Send(t, adaptertest.Event("first", 1))
	<-begun
	for i := range 200 {
		sending.Send(t, adaptertest.Event("e", i))
	}
	adaptertest.Wait(t, "counted", func() error {
		if slow.Stats().Lost == 0 {
			return errors.New("nothing is lost yet")
		}
		return nil
	})
	close(local.release)
	members := adaptertest.Open(t, "/after", slow, fast)
	adaptertest.Wait(t, "heard again", func() error {
		if n, err := members[1].Servers(t.Context()); err != nil || n != 2 {
			return errors.New("not known to the other")
		}
		return nil
	})
}

// TestQueueFull publishes more than may wait, while nothing can be sent.
func TestQueueFull(t *testing.T) {
	server := natstest.Start(t, "")
	a := nats.New(server.URL(), nats.Options{Logger: quiet, MaxQueuedBytes: 1 << 20})
	m := adaptertest.Open(t, "/", adaptertest.Start(t, a)...)[0]
	server.Pause()
	defer server.Resume()
	op := adaptertest.Event("e", string(bytes.Repeat([]byte("1"), 500_000)))
	adaptertest.Wait(t, "full", func() error {
		switch err := m.Publish(op); {
		case errors.Is(err, nats.ErrQueueFull):
			return nil
		case errors.Is(err, nats.ErrUnavailable):
			t.Fatal("the connection was given up before the queue was full")
		}
		return errors.New("there is room")
	})
}
