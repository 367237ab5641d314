package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) {
	// After a failure, the Redis client waits up to a second before it looks again,
	// also when it was closed meanwhile.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// patience is how long a test waits for what must happen before it gives up.
const patience = 20 * time.Second

// An output is what a program prints.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // has room for one
}

func newOutput() *output { return &output{changed: make(chan struct{}, 1)} }

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// A program is damso, running in this process.
type program struct {
	t        *testing.T
	out, err *output
	signal   context.CancelFunc // as SIGTERM
	exit     chan int
	done     bool
}

// start runs a command with these settings, in an empty folder, until the test ends.
func start(t *testing.T, args string, environ ...string) *program {
	t.Helper()
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{t: t, out: newOutput(), err: newOutput(), signal: cancel, exit: make(chan int, 1)}
	go func() { p.exit <- run(ctx, strings.Fields(args), environ, p.out, p.err) }()
	t.Cleanup(func() { p.stop() })
	return p
}

// wait returns the program's exit status.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case status := <-p.exit:
		p.done = true
		return status
	case <-time.After(patience):
		p.t.Fatalf("has not ended after %v:\n%s%s", patience, p.out, p.err)
		return 0
	}
}

// stop ends the program as SIGTERM does.
func (p *program) stop() {
	p.t.Helper()
	if p.done {
		return
	}
	p.signal()
	if status := p.wait(); status != 0 {
		p.t.Errorf("exit status %d:\n%s%s", status, p.out, p.err)
	}
}

// says waits until the program has printed what matches, and returns the groups of
// the last match.
func (p *program) says(o *output, pattern string) []string {
	p.t.Helper()
	rx := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		if all := rx.FindAllStringSubmatch(o.String(), -1); all != nil {
			return all[len(all)-1]
		}
		select {
		case <-o.changed:
		case status := <-p.exit:
			p.exit <- status
			if !rx.MatchString(o.String()) {
				p.t.Fatalf("ended with %d and did not say %q:\n%s%s", status, pattern, p.out, p.err)
			}
		case <-late:
			p.t.Fatalf("did not say %q:\n%s%s", pattern, p.out, p.err)
		}
	}
}

// addrs returns the addresses of the nodes, once all are named.
func (p *program) addrs(nodes int) []string {
	p.t.Helper()
	p.says(p.out, strings.Repeat(`(?s)  node .*http://localhost:\d+\n.*`, nodes))
	p.says(p.out, `alone|Redis|broker`)
	var addrs []string
	for _, m := range regexp.MustCompile(`http://localhost:(\d+)\n`).FindAllStringSubmatch(p.out.String(), -1) {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", m[1]))
	}
	return addrs
}

// fetch does one request on a connection of its own.
func fetch(t *testing.T, addr, path string, header ...string) (resp *http.Response, body string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// awaitReady asks the node again and again until it is ready, or is not.
func awaitReady(t *testing.T, addr string, status int) (body string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		resp, body := fetch(t, addr, "/readyz")
		if resp.StatusCode == status {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz is %s after %v: %s", resp.Status, patience, body)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// join returns a client of the chat on the node at addr.
func join(t *testing.T, addr string) *siotest.Client {
	t.Helper()
	return siotest.At(t, addr).Join("/chat")
}

// offset is what recovery adds to an event.
var offset = regexp.MustCompile(`,"[A-Za-z0-9_-]{8,}"\]$`)

// heard returns the next event that c gets, without the offset.
func heard(c *siotest.Client) string { return offset.ReplaceAllString(c.Text(), "]") }

// wants fails the test if the next events that c gets are not these.
func wants(t *testing.T, c *siotest.Client, events ...string) {
	t.Helper()
	for _, want := range events {
		if got := heard(c); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// say lets c send a message, and waits until others get it. Announcements of who
// joined are passed over.
func say(t *testing.T, c *siotest.Client, text string, others ...*siotest.Client) {
	t.Helper()
	payload := fmt.Sprintf(`{"name":"연우","text":%q}`, text)
	c.Emit("/chat", `["msgToServer",`+payload+`]`)
	for _, other := range append(others, c) {
		for {
			got := heard(other)
			if got == `2/chat,["msgToClient",`+payload+`]` {
				break
			}
			if !strings.Contains(got, "join chat.") && !strings.HasPrefix(got, `2/chat,["node",`) {
				t.Fatalf("got %s", got)
			}
		}
	}
}
