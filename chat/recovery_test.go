package chat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/damso/damso/chat"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// TestRecovery loses the connection of a client, who comes back: it gets what was said
// meanwhile, and nobody is told that somebody has joined.
func TestRecovery(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{Recovery: &socketio.Recovery{}})
	t.Cleanup(func() { _ = srv.Close() })
	chat.Register(srv, chat.Options{})
	clients := siotest.Listen(t, srv)
	one, two := clients.Join("/chat"), clients.Open(siotest.Options{})
	wantEvent(t, one, joined)
	var greeting struct{ PID string }
	_ = two.Send("0/chat,{}")
	data, _ := strings.CutPrefix(two.Text(), "0/chat,")
	if err := json.Unmarshal([]byte(data), &greeting); err != nil || greeting.PID == "" {
		t.Fatalf("greeting %s", data)
	}
	offset := wantEvent(t, two, joined)
	wantEvent(t, one, joined)
	two.Close()
	_ = one.Send(fmt.Sprintf(sent, `{"name":"a","text":"meanwhile"}`))
	wantEvent(t, one, fmt.Sprintf(passed, `{"name":"a","text":"meanwhile"}`))

	two = clients.Open(siotest.Options{})
	_ = two.Send(fmt.Sprintf(`0/chat,{"pid":%q,"offset":%q}`, greeting.PID, offset))
	wantEvent(t, two, fmt.Sprintf(passed, `{"name":"a","text":"meanwhile"}`))
	if text := two.Text(); !strings.HasPrefix(text, "0/chat,") {
		t.Errorf("got %s, want the greeting", text)
	}
	_ = two.Send(fmt.Sprintf(sent, `{"name":"b","text":"back"}`))
	for _, c := range []*siotest.Client{one, two} {
		wantEvent(t, c, fmt.Sprintf(passed, `{"name":"b","text":"back"}`))
	}
}

// wantEvent fails the test if the next that c gets is not that event with an offset,
// which it returns.
func wantEvent(t *testing.T, c *siotest.Client, event string) (offset string) {
	t.Helper()
	text := c.Text()
	rest, ok := strings.CutPrefix(text, strings.TrimSuffix(event, "]"))
	if !ok || len(rest) < 4 {
		t.Fatalf("got %s, want %s", text, event)
	}
	return rest[2 : len(rest)-2]
}
