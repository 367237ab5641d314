package browser

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testenv"
	"github.com/damso/damso/internal/testkit"
)

// TestArticle does what the article does: two servers on one Redis, its page in a
// folder for each port, and a conversation between the two.
func TestArticle(t *testing.T) {
	broker := redistest.Start(t)
	ports := []int{freePort(t), freePort(t)}
	assets := articleAssets(t, ports)
	browser := testkit.Chromium(t)
	var pages []*testkit.Page
	for _, port := range ports {
		node := serve(t, broker, port, "STATIC_DIR="+assets)
		page := browser.Open(t, node.urls[0])
		page.Until(`document.querySelector('#messages').innerText.includes('admin: join chat.')`)
		pages = append(pages, page)
	}

	say(pages[0], "밀크티", "안녕하세요 🍵 <b>담소</b>")
	say(pages[1], "보리차", "네, 반갑습니다!")
	for _, page := range pages {
		page.Until(has("밀크티: 안녕하세요 🍵 <b>담소</b>"))
		page.Until(has("보리차: 네, 반갑습니다!"))
		if !page.True(`document.querySelector('#text').value === '' || document.querySelector('#name').value === ''`) {
			t.Error("the text was not cleared")
		}
	}
	for i, page := range pages {
		lines := page.Text(`[...document.querySelectorAll('#messages li')].map((li) => li.innerText).filter((line) => !line.startsWith('admin')).join('\n')`)
		if got := strings.Count(lines, "\n") + 1; got != 2 {
			t.Errorf("page %d shows %d lines, want 2:\n%s", i, got, lines)
		}
	}
}

func say(page *testkit.Page, name, text string) {
	page.Do(
		chromedp.SendKeys(chromedp.CSS("#name"), name),
		chromedp.SendKeys(chromedp.CSS("#text"), text),
		chromedp.Click(chromedp.CSS("#send")),
	)
}

func has(line string) string {
	return `[...document.querySelectorAll('#messages li')].some((li) => li.innerText === ` + strconv.Quote(line) + `)`
}

// articleAssets lays out the article's folder assets: a copy of the page for each
// port, with the libraries beside it.
func articleAssets(t *testing.T, ports []int) string {
	modules := testenv.NeedNodeModules(t, ".")
	files := map[string]string{
		"index.html":         "article/index.html",
		"chat.js":            "article/chat.js",
		"bootstrap.css":      modules + "/bootstrap/dist/css/bootstrap.css",
		"vue.js":             modules + "/vue/dist/vue.min.js",
		"socket.io-1.4.5.js": modules + "/client-1.4.5/socket.io.js",
	}
	assets := t.TempDir()
	for _, port := range ports {
		dir := filepath.Join(assets, strconv.Itoa(port))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, from := range files {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if name == "chat.js" {
				text = []byte(strings.ReplaceAll(string(text), "PORT", strconv.Itoa(port)))
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return assets
}

// freePort is a port that nobody listens on now.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
