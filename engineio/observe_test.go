package engineio

import (
	"strings"
	"testing"
)

// An observer is a peer that sees everything.
type observer struct {
	*peer
	events chan string // has room for all that a test causes
}

func (o observer) Upgraded() { o.events <- "upgrade to " + o.session.Transport() }
func (o observer) Drained()  { o.events <- "drain" }
func (o observer) Packet(typ byte, data []byte, binary bool) {
	event := "packet " + string(typ) + string(data)
	if binary {
		event += " binary"
	}
	o.events <- event
}

// observe starts a server whose sessions are observed.
func observe(t *testing.T, secure bool) (*site, chan string) {
	events := make(chan string, 1<<16)
	h := newPeers()
	h.wrap = func(p *peer) Receiver { return observer{p, events} }
	return serveWith(t, h, Options{}, secure), events
}

func wantEvents(t *testing.T, events chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := await(t, events, w); got != w {
			t.Errorf("%q, want %q", got, w)
		}
	}
	if len(events) > 0 {
		t.Errorf("and then %q", <-events)
	}
}

func TestObservePolling(t *testing.T) {
	s, events := observe(t, false)
	client := s.poll("EIO=4")
	wantEvents(t, events, "drain") // of the packet that opens the session
	client.session.Send(text("a"))
	client.session.Send(text("b"))
	wantEvents(t, events)
	client.get()
	wantEvents(t, events, "drain")
	hanging := client.hang()
	client.session.Send(text("c"))
	await(t, hanging, "answer")
	wantEvents(t, events, "drain")
	client.post("4a\x1ebAQ==\x1e3")
	wantEvents(t, events, "packet 4a", "packet 4\x01 binary", "packet 3")

	ws := s.dial(strings.Replace(client.query, "transport=polling", "", 1))
	ws.packet("2probe")
	ws.read()
	ws.packet("5")
	wantEvents(t, events, "upgrade to websocket")
	ws.packet("4b")
	wantEvents(t, events, "packet 4b")
	client.session.Send(text("d"))
	ws.read()
	wantEvents(t, events, "drain")
}

func TestObserveWebSocket(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s, events := observe(t, secure)
		client := s.websocket("EIO=3")
		wantEvents(t, events, "drain")
		client.packet("2")
		client.read()
		if got := []string{await(t, events, "packet"), await(t, events, "drain")}; got[0] != "packet 2" || got[1] != "drain" {
			t.Errorf("%q", got)
		}
		client.session.Send(text(strings.Repeat("a", 4_000_000))) // most likely more than the connection takes at once
		client.read()
		wantEvents(t, events, "drain")
	}
}
