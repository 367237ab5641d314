package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/damso/damso/chat"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a chat, whose log goes to the journal.
func serve(t *testing.T, node string) (*siotest.Server, *journal) {
	var log journal
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := socketio.NewServer(socketio.Options{Logger: logger})
	t.Cleanup(func() { _ = srv.Close() })
	chat.Register(srv, chat.Options{Node: node, Logger: logger})
	return siotest.Listen(t, srv), &log
}

// A journal is where the log goes.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

const (
	joined = `2/chat,["msgToClient",{"name":"admin","text":"join chat."}]`
	sent   = `2/chat,["msgToServer",%s]`
	passed = `2/chat,["msgToClient",%s]`
	node   = `2/chat,["node",{"id":"node-1"}]`
)

// TestConversation is the article's: everybody sees who joins and what is said,
// the sender too.
func TestConversation(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		for _, polling := range []bool{false, true} {
			t.Run(fmt.Sprintf("protocol %d, polling %v", protocol, polling), func(t *testing.T) {
				clients, _ := serve(t, "node-1")
				o := siotest.Options{Protocol: protocol, Polling: polling}
				enter := func() *siotest.Client {
					c := clients.Open(o)
					if protocol == 3 {
						c.Join("/", "")
					}
					c.Join("/chat", "")
					c.Want(node, joined)
					return c
				}
				one, two := enter(), enter()
				one.Want(joined)
				two.Emit("/chat", `["msgToServer",{"name":"Yeonu","text":"hi"}]`)
				for _, c := range []*siotest.Client{one, two} {
					c.Want(`2/chat,["msgToClient",{"name":"Yeonu","text":"hi"}]`)
				}
			})
		}
	}
}

func TestWithoutNode(t *testing.T) {
	clients, _ := serve(t, "")
	c := clients.Join("/chat")
	c.Want(joined)
}

// join returns a client that has been greeted.
func join(clients *siotest.Server) *siotest.Client {
	c := clients.Join("/chat")
	c.Want(node, joined)
	return c
}

// TestPassedOn sends payloads that are good, which arrive as they came.
func TestPassedOn(t *testing.T) {
	clients, _ := serve(t, "node-1")
	listener := join(clients)
	sender := join(clients)
	listener.Want(joined)
	for _, payload := range []string{
		`{"name":"a","text":"b"}`,
		`{"text":"order of keys","name":"a"}`,
		`{"name":"a","text":"b","more":{"z":1,"a":[1.0,1e3,-0,12345678901234567890]},"x":null}`,
		`{ "name" : "spaces" ,	"text":"are kept" }`,
		`{"name":"연우","text":"안녕하세요 👋🏽"}`,
		`{"name":"\uc5f0\uc6b0","text":"escapes \ud83d\udc4b\n\"\\"}`,
		`{"name":"half a pair","text":"\ud800"}`,
		`{"name":"<b>","text":"<script>alert(1)</script>&amp;"}`,
		`{"name":"","text":"","name":"the last one","text":"counts"}`,
		`{"\u006eame":"escaped key","text":"is the same"}`,
		`{"name":"a","text":"b","__proto__":{"name":1},"constructor":null}`,
		`{"name":"admin","text":"join chat."}`,
		`{"name":"a","text":"b","x":{"_placeholder":true,"num":0}}`,
		`{"name":" ","text":" "}`,
		text("a", 50, "b", 2000), text("한", 50, "글", 2000), text("👋", 50, "🎉", 2000), text(`\ud83d\ude00`, 50, `\ud83d\ude00`, 2000),
	} {
		sender.Emit("/chat", `["msgToServer",`+payload+`]`)
		for _, c := range []*siotest.Client{listener, sender} {
			c.Want(fmt.Sprintf(passed, payload))
		}
	}
	_ = sender.Send(`2/chat,7["msgToServer",{"name":"a","text":"b"},"too much"]`)
	listener.Want(fmt.Sprintf(passed, `{"name":"a","text":"b"}`))
	sender.Want(fmt.Sprintf(passed, `{"name":"a","text":"b"}`), `3/chat,7[{"status":"ok"}]`)
}

// text is a message of so many characters.
func text(name string, n int, text string, m int) string {
	return fmt.Sprintf(`{"name":"%s","text":"%s"}`, strings.Repeat(name, n), strings.Repeat(text, m))
}

// TestRefused sends payloads that are bad: the sender alone hears of them, and gets
// an error ack if it wanted one.
func TestRefused(t *testing.T) {
	const (
		object   = "payload must be an object {name, text}"
		nameType = "name must be a string"
		textType = "text must be a string"
		nameSize = "name must have 1 to 50 characters"
		textSize = "text must have 1 to 2000 characters"
		big      = "payload must have at most 32768 bytes"
		binary   = "payload must not have binary in it"
	)
	clients, log := serve(t, "node-1")
	listener := join(clients)
	sender := join(clients)
	listener.Want(joined)
	for _, test := range []struct{ payload, message string }{
		{``, object}, {`null`, object}, {`"text"`, object}, {`1`, object}, {`true`, object},
		{`[]`, object}, {`["a","b"]`, object}, {`[{"name":"a","text":"b"}]`, object},
		{`{}`, nameType}, {`{"text":"b"}`, nameType}, {`{"name":"a"}`, textType},
		{`{"name":null,"text":"b"}`, nameType}, {`{"name":1,"text":"b"}`, nameType}, {`{"name":["a"],"text":"b"}`, nameType},
		{`{"name":{"a":1},"text":"b"}`, nameType}, {`{"name":true,"text":"b"}`, nameType},
		{`{"name":"a","text":null}`, textType}, {`{"name":"a","text":7}`, textType}, {`{"name":"a","text":{}}`, textType},
		{`{"Name":"a","text":"b"}`, nameType}, {`{"name":"a","TEXT":"b"}`, textType}, {`{"name ":"a","text":"b"}`, nameType},
		{`{"name":"a","text":"b","text":1}`, textType},
		{`{"__proto__":{"name":"a","text":"b"}}`, nameType},
		{`{"name":"","text":"b"}`, nameSize}, {`{"name":"a","text":""}`, textSize},
		{text("a", 51, "b", 1), nameSize}, {text("한", 51, "b", 1), nameSize}, {text("👋", 51, "b", 1), nameSize},
		{text("a", 1, "b", 2001), textSize}, {text("a", 1, "글", 2001), textSize}, {text("a", 1, "🎉", 2001), textSize},
		{text("a", 1, "b", 40_000), big}, {text("a", 1, "b", 900_000), big},
		{`{"name":"a","text":"b","more":"` + strings.Repeat("x", 33_000) + `"}`, big},
		{`{"name":"a","text":"b","more":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `,"name":""}`, nameSize},
	} {
		arg := ""
		if test.payload != "" {
			arg = "," + test.payload
		}
		exception := fmt.Sprintf(`2/chat,["exception",{"status":"error","message":"%s"}]`, test.message)
		_ = sender.Send(`2/chat,["msgToServer"` + arg + `]`)
		sender.Want(exception)
		_ = sender.Send(`2/chat,5["msgToServer"` + arg + `]`)
		sender.Want(exception, fmt.Sprintf(`3/chat,5[{"status":"error","message":"%s"}]`, test.message))
	}
	_ = sender.Send(`51-/chat,["msgToServer",{"name":"a","text":{"_placeholder":true,"num":0}}]`, []byte("secret bytes"))
	sender.Want(`2/chat,["exception",{"status":"error","message":"` + binary + `"}]`)
	_ = sender.Send(`51-/chat,["msgToServer",{"_placeholder":true,"num":0}]`, []byte("secret bytes"))
	sender.Want(`2/chat,["exception",{"status":"error","message":"` + binary + `"}]`)

	// Events that there are not are nobody's business.
	_ = sender.Send(`2/chat,["msgToClient",{"name":"a","text":"forged"}]`)
	_ = sender.Send(`2/chat,["exception",{}]`)
	sender.Emit("/chat", `["msgToServer",{"name":"a","text":"end"}]`)
	for _, c := range []*siotest.Client{listener, sender} { // and nobody else saw anything
		c.Want(fmt.Sprintf(passed, `{"name":"a","text":"end"}`))
	}
	if strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("bad payloads are no fault of the server's:\n%s", log)
	}
}

// TestLog has the article's lines in the log at debug level, and nothing that was
// said.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
			Level: slog.LevelDebug,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		}))
		srv := socketio.NewServer(socketio.Options{Logger: logger})
		defer srv.Close()
		chat.Register(srv, chat.Options{Logger: logger})
		clients := siotest.Pipe(t, srv)

		c := clients.Open(siotest.Options{Protocol: 3, Query: siotest.Query("username", "연우")})
		c.Join("/", "")
		c.Join("/chat", "")
		synctest.Wait()
		nobody := clients.Open(siotest.Options{})
		id := nobody.Join("/chat", "")
		synctest.Wait()
		c.Emit("/chat", `["msgToServer",{"name":"secret name","text":"secret text"}]`)
		c.Emit("/chat", `["msgToServer",{"name":"secret name"}]`)
		c.Want(joined, joined)
		synctest.Wait()
		_ = c.Send("1/chat,")
		synctest.Wait()
		nobody.Close()
		synctest.Wait()
		long := clients.Open(siotest.Options{Query: siotest.Query("username", strings.Repeat("가", 51)+"\nlevel=ERROR forged")})
		longID := long.Join("/chat", "")
		synctest.Wait()

		want := []string{
			`level=DEBUG msg="Socket Server Init Complete"`,
			fmt.Sprintf(`level=DEBUG msg="/chat#%s(연우) is connected!"`, c.SID),
			fmt.Sprintf(`level=DEBUG msg="%s() is connected!"`, id),
			fmt.Sprintf(`level=DEBUG msg="/chat#%s is disconnected..." reason="client namespace disconnect"`, c.SID),
			fmt.Sprintf(`level=DEBUG msg="%s is disconnected..." reason="transport close"`, id),
			fmt.Sprintf(`level=DEBUG msg="%s(%s) is connected!"`, longID, strings.Repeat("가", 50)),
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			if !strings.Contains(line, `msg="socket lost"`) && !strings.Contains(line, `msg="handler failed"`) {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if strings.Contains(log.String(), "secret") {
			t.Error("what was said is in the log")
		}
	})
}

// TestGone has clients go while they are greeted and answered.
func TestGone(t *testing.T) {
	clients, log := serve(t, "node-1")
	stays := join(clients)
	for range 50 {
		c := clients.Open(siotest.Options{})
		_ = c.Send("0/chat,")
		_ = c.Send(`2/chat,1["msgToServer",{"name":1}]`)
		c.Close()
	}
	_ = stays.Send(fmt.Sprintf(sent, `{"name":"a","text":"end"}`))
	for stays.Text() == joined {
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("clients that go are no fault of the server's:\n%s", log)
	}
}

// TestRegisterDefaults puts a chat on a server without saying anything more.
func TestRegisterDefaults(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{})
	chat.Register(srv, chat.Options{})
	if err := srv.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
