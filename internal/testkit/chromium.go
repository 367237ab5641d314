package testkit

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/damso/damso/internal/testenv"
)

// A Browser is a headless Chromium with a profile of its own.
type Browser struct{ ctx context.Context }

// QUIC lets the browser use HTTP/3, and with it WebTransport.
var QUIC = chromedp.Flag("disable-quic", false)

// Chromium starts a browser, which ends with the test. It has QUIC only if asked for.
func Chromium(t testing.TB, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	path := testenv.Need(t, "chromium", "chromium-browser", "google-chrome")
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en"),
		chromedp.WSURLReadTimeout(patience),
	)
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel() // waits for the browser
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("testkit: start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// A Page is a window that shares nothing with others. Its methods end the test
// when they fail; they are for the test's goroutine alone.
type Page struct {
	t   testing.TB
	ctx context.Context
}

// Open opens a window at url and waits until it has loaded. What the page
// complains of fails the test when it ends: errors on its console, exceptions
// that nobody caught, and what its Content-Security-Policy stopped; but not
// requests that fail, which are expected where a server goes away.
func (b *Browser) Open(t testing.TB, url string) *Page {
	t.Helper()
	p, log := b.open(t, url)
	t.Cleanup(func() {
		for _, text := range log.all() {
			t.Errorf("the page at %s complains: %s", url, text)
		}
	})
	return p
}

func (b *Browser) open(t testing.TB, url string) (*Page, *complaints) {
	t.Helper()
	log := &complaints{}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(log.hear))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // opens the window, which must outlive what is done in it
		t.Fatalf("testkit: open a window: %v", err)
	}
	p := &Page{t, ctx}
	p.Do(chromedp.Navigate(url))
	return p, log
}

// Do does things in the page.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	run(p, chromedp.Steps(actions...))
}

// Text is the value of an expression that is a string, or a promise of one.
func (p *Page) Text(expression string) string {
	p.t.Helper()
	return run(p, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
}

// True is the value of an expression as a condition.
func (p *Page) True(expression string) bool {
	p.t.Helper()
	return run(p, chromedp.Evaluate[bool]("!!("+expression+")"))
}

func run[T any](p *Page, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatalf("testkit: page: %v", err)
	}
	return v
}

// Until waits until an expression is true.
func (p *Page) Until(expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience / 4); ; time.Sleep(20 * time.Millisecond) {
		if p.True(expression) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("testkit: never true: %s\nthe page shows:\n%s", expression, p.Text("document.body.innerText"))
		}
	}
}

// Screenshot writes what the page shows to a PNG file.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	if err := os.WriteFile(path, run(p, chromedp.CaptureScreenshot()), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// complaints are what a page has against itself.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}

func (c *complaints) hear(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			c.add(e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		c.add((&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			c.add(consoleText(e.Args))
		}
	}
}

func (c *complaints) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, text)
}

func consoleText(args []*runtime.RemoteObject) string {
	var parts []string
	for _, arg := range args {
		if arg.Description != "" {
			parts = append(parts, arg.Description)
		} else {
			parts = append(parts, fmt.Sprint(string(arg.Value)))
		}
	}
	return strings.Join(parts, " ")
}
