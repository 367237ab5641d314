package browser

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
)

// A window is the built-in page.
type window struct{ *testkit.Page }

func open(t *testing.T, browser *testkit.Browser, url string) window {
	t.Helper()
	w := window{browser.Open(t, url)}
	w.status("online")
	return w
}

func (w window) status(want string) {
	w.Until(`document.documentElement.dataset.status === ` + strconv.Quote(want))
}

// say types a name and a text as a person does, and presses Enter.
func (w window) say(name, text string) {
	w.True(`document.querySelector('#name').select()`)
	w.Do(chromedp.SendKeys(chromedp.CSS("#name"), name),
		chromedp.SendKeys(chromedp.CSS("#text"), text+"\r"))
}

// hears waits for a message and says whether it is shown as the window's own.
func (w window) hears(name, text string) (own bool) {
	message := `[...document.querySelectorAll('#log .message')].filter((m) =>
		m.querySelector('.text').innerText === ` + strconv.Quote(text) + ` && m.querySelector('.name').innerText === ` + strconv.Quote(name) + `)`
	w.Until(message + `.length === 1`)
	return w.True(message + `[0].dataset.own === 'true'`)
}

// messages is how many messages the window shows.
func (w window) messages() int {
	n, _ := strconv.Atoi(w.Text(`String(document.querySelectorAll('#log .message').length)`))
	return n
}

func TestPage(t *testing.T) {
	nodes := start(t, 2, "dev", "NODE_PORT=0")
	browser := testkit.Chromium(t)
	a, b := open(t, browser, nodes.urls[0]), open(t, browser, nodes.urls[1])

	node := `document.querySelector('#node').innerText`
	if a, b := a.Text(node), b.Text(node); a == b {
		t.Errorf("both windows are served by %q", a)
	}
	conversation(t, a, b)
	textStaysText(t, a, b)
	composing(t, a, b)
	policy(t, nodes.urls[0])
}

func conversation(t *testing.T, a, b window) {
	a.say("밀크티", "안녕하세요, 담소예요 🍵")
	b.hears("밀크티", "안녕하세요, 담소예요 🍵")
	b.say("보리차", "네, 반갑습니다! 👋🏽")
	if own := a.hears("보리차", "네, 반갑습니다! 👋🏽"); own {
		t.Error("what another one said is shown as one's own")
	}
	if own := a.hears("밀크티", "안녕하세요, 담소예요 🍵"); !own {
		t.Error("what one said is not shown as one's own")
	}
}

// textStaysText lets one window attack the other.
func textStaysText(t *testing.T, a, b window) {
	for i, attack := range []string{
		`<img src=x onerror="window.harmed=1">`, `<script>window.harmed=1</script>`, `{{ constructor.constructor('window.harmed=1')() }}`,
		`<a href="javascript:window.harmed=1">click</a>`, `"><svg onload=window.harmed=1>`,
	} {
		name := `<b>` + strconv.Itoa(i) + `</b>`
		a.say(name, attack)
		for _, w := range []window{a, b} {
			w.hears(name, attack)
			if w.True(`window.harmed || document.querySelector('#log b, #log img, #log script, #log a, #log .text svg')`) {
				t.Errorf("%s became more than text", attack)
			}
		}
	}
}

// composing writes Korean as an input method does: the Enter that finishes a
// syllable sends nothing, the next one does.
func composing(t *testing.T, a, b window) {
	before := a.messages()
	a.True(`window.enters = [], addEventListener('keydown', (e) => { if (e.key === 'Enter') enters.push(e.isComposing) }, true)`)
	a.Do(chromedp.Focus(chromedp.CSS("#text")))
	for _, syllable := range []string{"ㅎ", "하", "한"} {
		a.Do(protocol(input.ImeSetComposition, input.ImeSetCompositionParams{Text: syllable, SelectionStart: 1, SelectionEnd: 1}))
	}
	a.Do(chromedp.KeyEvent("\r"), protocol(input.InsertText, input.InsertTextParams{Text: "한글"}))
	text := strings.TrimSpace(a.Text(`document.querySelector('#text').value`))
	a.Do(chromedp.KeyEvent("\r"))
	if text != "한글" {
		t.Errorf("composed %q", text)
	}
	name := a.Text(`document.querySelector('#name').value`)
	b.hears(name, text)
	a.hears(name, text)
	if got := a.Text(`enters.join()`); got != "true,false" {
		t.Errorf("Enter was pressed while composing: %s, want true,false", got)
	}
	if after := a.messages(); after != before+1 {
		t.Errorf("%d messages became %d", before, after)
	}
}

// policy looks at the header that keeps foreign scripts out.
func policy(t *testing.T, url string) {
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
}

// TestPageOffline takes away the node that serves a window, and brings it back.
func TestPageOffline(t *testing.T) {
	broker := redistest.Start(t)
	first, second := serve(t, broker, 0), serve(t, broker, 0)
	browser := testkit.Chromium(t)
	a, b := open(t, browser, first.urls[0]), open(t, browser, second.urls[0])
	a.say("밀크티", "다 들리나요?")
	b.hears("밀크티", "다 들리나요?")

	second.stop()
	b.status("offline")
	b.Until(`document.querySelector('#offline')`)
	a.say("밀크티", "혼잣말")
	a.hears("밀크티", "혼잣말")

	serve(t, broker, second.port())
	b.status("online")
	b.say("보리차", "다녀왔어요")
	a.hears("보리차", "다녀왔어요")
	a.say("밀크티", "어서 와요")
	b.hears("밀크티", "어서 와요")
}

// protocol is a command of the browser's protocol as something to do in a page.
func protocol[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}
