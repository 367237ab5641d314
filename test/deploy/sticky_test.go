package deploy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
)

// startNodeJS starts a server of socket.io 4.8, and returns its port.
func startNodeJS(t *testing.T, r *redistest.Server) int {
	t.Helper()
	p := testkit.Node(t, testkit.Script{Path: "../cluster/node-4.js", Args: []string{r.Host(), strconv.Itoa(r.Port())}})
	var at struct{ URL string }
	p.Expect(&at)
	u, err := url.Parse(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// unknown is what a server in Node.js says of another one's session.
const unknown = `{"code":1,"message":"Session ID unknown"}`

// TestNodeJSNeedsStickySessions: behind plain round robin, three servers in Node.js refuse each
// other's polling clients, with the words in docs/load-balancing.md; with one server all is well.
func TestNodeJSNeedsStickySessions(t *testing.T) {
	r := redistest.Start(t)
	one := startNodeJS(t, r)
	ports := []int{one, startNodeJS(t, r), startNodeJS(t, r)}
	if refused := poll(t, balancers[0].start(t, ports), 10); refused == 0 {
		t.Error("nobody was refused")
	}
	if refused := poll(t, balancers[0].start(t, []int{one, one, one}), 10); refused > 0 {
		t.Errorf("%d of 10 clients were refused by the only server", refused)
	}
}

// TestMigration: with a server in Node.js among them, plain round robin refuses some
// polling clients; by cookie or address, none.
func TestMigration(t *testing.T) {
	r := redistest.Start(t)
	ports := append(portsOf(startNodesOn(t, r, 2)), startNodeJS(t, r))
	if refused := poll(t, balancers[0].start(t, ports), 10); refused == 0 {
		t.Error("plain round robin: nobody was refused")
	}
	for _, b := range migrations {
		if refused := poll(t, b.start(t, ports), 30); refused > 0 {
			t.Errorf("%s: %d of 30 clients were refused", b.file, refused)
		}
	}
}

// poll lets clients with addresses and cookies of their own join by polling, and returns
// how many were refused for an unknown session.
func poll(t *testing.T, at string, clients int) (refused int) {
	t.Helper()
	for i := range clients {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i))}}
		c := &poller{t: t, at: at + "/socket.io/?EIO=4&transport=polling"}
		c.http = &http.Client{Jar: jar, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
		if !c.joins() {
			refused++
		}
	}
	return refused
}

// A poller is a client that polls.
type poller struct {
	t    *testing.T
	http *http.Client
	at   string
}

// joins reports whether the client was served, or refused for an unknown session.
func (c *poller) joins() bool {
	open := c.do(http.MethodGet, "")
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(open, "0")), &handshake); err != nil {
		c.t.Fatalf("handshake: %q: %v", open, err)
	}
	c.at += "&sid=" + handshake.SID
	for _, step := range []struct{ method, body, want string }{
		{http.MethodPost, "40", "ok"}, {http.MethodGet, "", `40{"sid"`}, {http.MethodPost, `42["a"]`, "ok"}, {http.MethodPost, "41\x1e1", "ok"},
	} {
		got := c.do(step.method, step.body)
		if got == unknown {
			return false
		}
		if !strings.HasPrefix(got, step.want) {
			c.t.Fatalf("%s %q: %q", step.method, step.body, got)
		}
	}
	return true
}

func (c *poller) do(method, body string) string {
	req, err := http.NewRequest(method, c.at, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if wrong := resp.StatusCode == http.StatusBadRequest; wrong != (string(text) == unknown) || !wrong && resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %s: %q", method, resp.Status, text)
	}
	return string(text)
}
