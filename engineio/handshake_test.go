package engineio

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A recorded is a request, and what engine.io answers. testdata/record.js wrote them.
type recorded struct {
	Name    string
	Options struct {
		AllowEIO3  *bool
		Refuse     string
		Transports []string
		MaxBuffer  int `json:"maxHttpBufferSize"`
	}
	Session string // transport of the session that SID is
	Method  string
	Headers map[string]string
	Query   string
	Body    *string

	Reply    answer
	Sessions int    // afterwards
	Reason   Reason // why the session ended
}

type answer struct {
	Status     int
	Type, Body string
}

const badRequest = `{"code":3,"message":"Bad request"}`

// Where we differ from engine.io, and why.
var different = map[string]func(*recorded){
	// Its answer to what it can't read is "ok".
	"malformed POST":              refused,
	"empty POST":                  refused,
	"ping of a client of 4":       refused,
	"malformed POST of 3":         refused,
	"POST of 3 that is cut short": refused,
	"pong of a client of 3":       refused,
	"malformed base64":            func(c *recorded) { refused(c); c.Sessions, c.Reason = 0, ParseError }, // it makes bytes of it
	"POST of binary":              refused,                                                                // with an empty answer
	"PUT":                         refused,                                                                // it calls this its own fault
	"DELETE":                      refused,
	"upgrade, refused":            func(c *recorded) { c.Reply.Status, c.Reply.Body = 403, `{"code":4,"message":"Thou shall not pass"}` },
	"upgrade, unknown transport":  func(c *recorded) { c.Reply.Body = `{"code":0,"message":"Transport unknown"}` },
	"upgrade, unknown sid":        func(c *recorded) { c.Reply.Body = `{"code":1,"message":"Session ID unknown"}` },
	"upgrade by POST":             func(c *recorded) { c.Reply.Body = `{"code":2,"message":"Bad handshake method"}` },
	"upgrade, other protocol":     refused,
	"upgrade, without key":        func(c *recorded) { c.Reply.Body = "" },                      // has another text
	"upgrade, old version":        func(c *recorded) { c.Reply.Status, c.Reply.Body = 426, "" }, // as RFC 6455 wants it
}

func refused(c *recorded) {
	c.Reply.Status, c.Reply.Type, c.Reply.Body = 400, "application/json", badRequest
}

// options are those of a case.
func (c *recorded) options() Options {
	o := Options{
		NoEIO3:     c.Options.AllowEIO3 != nil && !*c.Options.AllowEIO3,
		Transports: c.Options.Transports,
		MaxPayload: c.Options.MaxBuffer,
	}
	if c.Options.Refuse != "" {
		o.AllowRequest = func(*http.Request) error { return errors.New(c.Options.Refuse) }
	}
	return o
}

// open opens the session of a case.
func (c *recorded) open(s *site) (sid string, p *peer) {
	switch c.Session {
	case "":
		return "", nil
	case "polling":
		p = s.poll("EIO=4").peer
	case "polling3":
		p = s.poll("EIO=3").peer
	case "websocket":
		p = s.websocket("EIO=4").peer
	}
	return p.session.ID(), p
}

func TestRequestsAsRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []recorded
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			s := serve(t, c.options())
			sid, p := c.open(s)
			got, header := s.replay(c, sid)
			if change := different[c.Name]; change != nil {
				change(&c)
			}
			if c.Reply.Type == "text/html" && c.Reply.Status != 200 {
				c.Reply.Type = header.Get("Content-Type") // a page, where we send JSON
			}
			if c.Reply.Status != 200 && c.Reply.Body == "" {
				got.Body, got.Type = "", c.Reply.Type
			}
			if diff := cmp.Diff(c.Reply, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if c.Reason != "" {
				p.wantClosed(t, c.Reason)
			} else if p != nil && len(p.closed) > 0 {
				t.Errorf("the session ended: %v", <-p.closed)
			}
			if n := s.srv.Sessions(); n != c.Sessions && c.Reply.Status != 101 {
				t.Errorf("%d sessions, want %d", n, c.Sessions)
			}
		})
	}
}

// replay sends the request of a case on a connection of its own.
func (s *site) replay(c recorded, sid string) (answer, http.Header) {
	s.t.Helper()
	var body io.Reader
	if c.Body != nil {
		body = strings.NewReader(*c.Body)
	}
	req, err := http.NewRequest(c.Method, s.http.URL+"/engine.io/?"+strings.Replace(c.Query, "SID", sid, 1), body)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range c.Headers {
		if name == "Transfer-Encoding" {
			req.ContentLength = -1
			continue
		}
		req.Header.Set(name, value)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	a := answer{Status: res.StatusCode, Type: res.Header.Get("Content-Type")}
	if a.Status != 101 {
		a.Body = readAll(s.t, res.Body)
		if strings.Contains(a.Body, `"sid":"`) {
			a.Body = strings.Replace(a.Body, sidOf(s.t, a.Body), "SID", 1)
		}
	}
	return a, res.Header
}

// Nobody else notices what goes wrong with others.
func TestFaultsDisturbNobody(t *testing.T) {
	s := serve(t, Options{MaxPayload: 100})
	good, ws := s.poll("EIO=4"), s.websocket("EIO=3")
	for _, body := range []string{"", "7", "\xff", "b!", "4a\x1e", strings.Repeat("\x1e", 50), "4" + strings.Repeat("a", 100), "3", "2", "5", "0"} {
		for _, query := range []string{"EIO=4", "EIO=3"} {
			c := s.poll(query)
			_ = c.post(body)
			_ = c.request("POST", c.query, "application/octet-stream", strings.NewReader(body))
			c.session.finish(ForcedClose, nil)
			await(t, c.closed, "end")
		}
	}
	if n := s.srv.Sessions(); n != 2 {
		t.Errorf("%d sessions", n)
	}
	good.want(good.post("4still here"), 200, "ok")
	good.wantMessage(t, "still here")
	ws.packet("4still here")
	ws.wantMessage(t, "still here")
}

func TestTooManyPackets(t *testing.T) {
	c := serve(t, Options{}).poll("EIO=4")
	c.want(c.post(strings.Repeat("6\x1e", maxPackets-1)+"6"), 200, "ok")
	c.want(c.post(strings.Repeat("6\x1e", maxPackets)+"6"), 400, badRequest)
	c.wantClosed(t, ParseError)
}
