// Package doctor examines a Socket.IO server as its clients meet it, through
// whatever stands between, and says in plain words what is wrong and what to do.
//
// It speaks HTTP, WebSocket, Engine.IO 3 and 4 and Socket.IO itself, and judges by
// what it sees: it needs no access to the servers and no help from them, and works
// with Node.js and NestJS as with Damso. Where it can't tell, it says so.
package doctor

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Options say what to examine and as which client.
type Options struct {
	// URL is what a JavaScript client is given: "https://example.com/chat", whose
	// path is the namespace. ws and wss are http and https; without a scheme it is http.
	URL string
	// Path is Socket.IO's path. If empty, it is "/socket.io/".
	Path string
	// Namespace overrides that of the URL. If both are empty, it is "/".
	Namespace string
	// Protocol is the Engine.IO protocol that the clients speak: 4 for clients 3 and
	// 4, 3 for clients 1 and 2. If 0, it is 4.
	Protocol int
	// Auth is what clients send when they join the namespace; nil is nothing.
	Auth json.RawMessage
	// Query and Header go with every request.
	Query  url.Values
	Header http.Header
	// Origin is the site of the page whose clients connect. If empty, no rules for
	// pages are examined.
	Origin string
	// Emit is an event that makes the server send Expect to all clients of the
	// namespace: a name, or a JSON array with the name first, in which "%token%" is
	// replaced by a word that is new each time. If empty while Expect is not, joining
	// the namespace is what makes the server send it.
	Emit, Expect string
	// Slow waits for real until proxies may have lost patience, for minutes if the
	// server's heartbeat is that slow.
	Slow bool
	// Timeout is how long all of it may take. If 0, it is 18 seconds, or 3 minutes if Slow.
	Timeout time.Duration
	// Roots are the authorities trusted besides the system's; nil is none.
	Roots *x509.CertPool
	// Language is "ko" or "en", which is the default.
	Language string
	// Progress is called after each check, from the goroutine of Examine. It may be nil.
	Progress func(Check)

	idle time.Duration // how long sessions idle without Slow; 0 is idleTime
}

// A Severity says how bad a finding is.
type Severity string

// Error means that clients fail; Warning that some do, or will.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Finding is something that is wrong. Its texts are in the language asked for.
type Finding struct {
	ID       string   `json:"id"` // stable
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Evidence []string `json:"evidence"` // what was seen
	Meaning  string   `json:"meaning"`
	Advice   []string `json:"advice"` // what to do, the likeliest first
}

// A Note is something worth knowing that is not wrong, or what could not be checked.
type Note struct {
	ID   string `json:"id"` // stable
	Text string `json:"text"`
}

// A Check is one step of the examination.
type Check struct {
	ID     string  `json:"id"`     // stable
	Status string  `json:"status"` // "ok", "findings" or "skipped"
	Millis float64 `json:"ms"`
	Text   string  `json:"text"` // its name
}

// Latency has medians in milliseconds; 0 is not measured.
type Latency struct {
	Connect   float64 `json:"connectMs"`   // TCP
	TLS       float64 `json:"tlsMs"`       // its handshake
	Request   float64 `json:"requestMs"`   // an HTTP request that does not wait
	Polling   float64 `json:"pollingMs"`   // a packet and its answer over long-polling
	WebSocket float64 `json:"webSocketMs"` // a packet and its answer over WebSocket
}

// A Server is what was learned of the servers.
type Server struct {
	Protocols    []int    `json:"protocols"` // of Engine.IO
	Clients      []string `json:"clients"`   // versions of the JavaScript client that can connect
	PingInterval int      `json:"pingIntervalMs"`
	PingTimeout  int      `json:"pingTimeoutMs"`
	MaxPayload   int      `json:"maxPayload"` // bytes; 0 if the server does not say
	Nodes        []string `json:"nodes"`      // what tells them apart; empty if nothing does
	NodesBy      string   `json:"nodesBy"`    // "session-id", "cookie NAME", "header NAME" or ""
}

// A Report is what Examine returns. Its JSON form is stable, see docs/doctor.md.
type Report struct {
	Version  int       `json:"version"` // of the form: 1
	URL      string    `json:"url"`
	Healthy  bool      `json:"healthy"` // no findings
	Findings []Finding `json:"findings"`
	Notes    []Note    `json:"notes"`
	Checks   []Check   `json:"checks"`
	Server   Server    `json:"server"`
	Latency  Latency   `json:"latency"`
}

// Examine examines what the options say. The error says that they can't be meant;
// whatever is wrong with the network and the servers is in the report.
//
// It blocks for as long as it takes, at most Options.Timeout and a moment; when ctx
// ends, the rest is skipped. It leaves no goroutine and no connection behind.
func Examine(ctx context.Context, o Options) (*Report, error) {
	t, err := newTarget(o)
	if err != nil {
		return nil, err
	}
	limit := o.Timeout
	if limit == 0 && o.Slow {
		limit = 3 * time.Minute
	} else if limit == 0 {
		limit = 18 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	e := newExam(o, t)
	e.run(ctx)
	return e.report, nil
}
