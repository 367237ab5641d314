package interop

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/testkit"
)

var (
	clients    = []string{"1.4.5", "1.7.4", "2.5.0", "3.1.3", "4.8"}
	transports = []string{"polling", "websocket", "upgrade"}
)

// addresses are the three servers of README.md, or of one process of them.
type addresses struct {
	URL          string `json:"url"`
	HeartbeatURL string `json:"heartbeatUrl"`
	SilenceURL   string `json:"silenceUrl"`
}

// listenAll starts the three by listen, with opts and the heartbeats of README.md.
func listenAll(opts engineio.Options, listen func(engineio.Options) string) (at addresses) {
	at.URL = listen(opts)
	opts.PingInterval = 300 * time.Millisecond
	at.HeartbeatURL = listen(opts)
	opts.PingTimeout = 2500 * time.Millisecond
	at.SilenceURL = listen(opts)
	return at
}

// A failure is a line of reference-fails.json: cases that fail with Node's server,
// and why.
type failure struct {
	Clients, Transports, Cases []string
	Why                        string
}

// A verdict is what client.js says of one case.
type verdict struct {
	Case   string
	OK     bool
	Detail string
}

// matrix runs every case with every client over every transport. Cases in known
// may fail.
func matrix(t *testing.T, at addresses, known []failure) {
	for _, client := range clients {
		for _, transport := range transports {
			t.Run(client+"/"+transport, func(t *testing.T) {
				t.Parallel()
				runCases(t, at, client, transport, hopeless(known, client, transport))
			})
		}
	}
}

// runCases runs the cases with one client over one transport. env is more of the
// environment of client.js.
func runCases(t *testing.T, at addresses, client, transport string, hopeless []string, env ...string) {
	t.Helper()
	judge(t, at, client, transport, hopeless, 50, env...)
}

// judge is runCases for so many cases at least.
func judge(t *testing.T, at addresses, client, transport string, hopeless []string, atLeast int, env ...string) {
	list, err := json.Marshal(append([]string{}, hopeless...))
	if err != nil {
		t.Fatal(err)
	}
	p := testkit.Node(t, testkit.Script{
		Path: "client.js",
		Args: []string{client, transport, at.URL, at.HeartbeatURL, at.SilenceURL},
		Env:  append(env, "DAMSO_HOPELESS="+string(list)),
	})
	count := 0
	for v := (verdict{}); p.Next(&v); v = (verdict{}) {
		count++
		t.Run(v.Case, func(t *testing.T) {
			known := slices.ContainsFunc(hopeless, func(start string) bool { return strings.HasPrefix(v.Case, start) })
			switch {
			case !v.OK && known:
				t.Log("as expected: " + v.Detail)
			case !v.OK:
				t.Error(v.Detail)
			}
		})
	}
	if err := p.Wait(); err != nil || count < atLeast {
		t.Errorf("client.js ran %d cases: %v", count, err)
	}
}

func hopeless(known []failure, client, transport string) []string {
	cases := []string{}
	for _, f := range known {
		if slices.Contains(f.Clients, client) && slices.Contains(f.Transports, transport) {
			cases = append(cases, f.Cases...)
		}
	}
	return cases
}

// TestReference runs the cases against Node's own server, so that a case that asks
// for what no server does is found out.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("reference-fails.json")
	if err != nil {
		t.Fatal(err)
	}
	var known []failure
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	var at addresses
	testkit.Node(t, testkit.Script{Path: "reference.js"}).Expect(&at)
	matrix(t, at, known)
}
