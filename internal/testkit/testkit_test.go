package testkit

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestComplaints breaks each rule once, to see that it is noticed.
func TestComplaints(t *testing.T) {
	bodies := map[string]string{
		"":               `<p>all is well</p>`,
		"Inline script":  `<script>document.title = 'inline'</script>`,
		"Foreign image":  `<img src="http://elsewhere.invalid/x.png">`,
		"Error: oh dear": `<script src="/throw.js"></script>`,
		"oh no":          `<script src="/console.js"></script>`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		switch r.URL.Path {
		case "/throw.js":
			fmt.Fprint(w, `throw new Error("oh dear")`)
		case "/console.js":
			fmt.Fprint(w, `console.error("oh", "no")`)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, bodies[r.URL.Query().Get("body")])
		}
	}))
	defer srv.Close()
	browser := Chromium(t)
	for name := range bodies {
		t.Run(name, func(t *testing.T) {
			page, log := browser.open(t, srv.URL+"/?body="+strings.ReplaceAll(name, " ", "+"))
			page.Until(`document.readyState === 'complete'`)
			if got := len(log.all()) > 0; got != (name != "") {
				t.Errorf("complaints: %q", log.all())
			}
		})
	}
}

func TestNode(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "echo.js")
	text := `require('readline').createInterface({ input: process.stdin })
		.on('line', (line) => console.log(line === '"leave"' ? process.exit(3) : line));
		console.log(JSON.stringify([process.argv[2], process.env.COLOUR]));`
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := Node(t, Script{Path: script, Args: []string{"an argument"}, Env: []string{"COLOUR=blue"}})
	var hello [2]string
	p.Expect(&hello)
	if hello != [2]string{"an argument", "blue"} {
		t.Errorf("the script was given %q", hello)
	}
	var back string
	p.Send("안녕")
	p.Expect(&back)
	if back != "안녕" {
		t.Errorf("got %q", back)
	}
	p.Send("leave")
	if p.Next(&back) {
		t.Errorf("said %q after the end", back)
	}
	if err := p.Wait(); err == nil || err.Error() != "exit status 3" {
		t.Errorf("Wait: %v", err)
	}
}
