package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// maxBody is how much of an answer is read, in bytes.
const maxBody = 1 << 20

// A caller does the requests of one client: with cookies or without, on kept
// connections or on a new one each. It is for several goroutines.
type caller struct {
	target *target
	client *http.Client
	jar    http.CookieJar // nil without cookies
}

func (t *target) caller(keep, cookies bool) *caller {
	c := &caller{target: t}
	if cookies {
		c.jar, _ = cookiejar.New(nil) // which does not fail without options
	}
	c.client = &http.Client{
		Jar:           c.jar,
		Transport:     &http.Transport{DisableKeepAlives: !keep, TLSClientConfig: t.tls()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// close drops the connections that are kept.
func (c *caller) close() { c.client.CloseIdleConnections() }

// An answer is one to a request that was answered.
type answer struct {
	status int
	header http.Header
	body   []byte
	first  time.Duration // until its first byte
	total  time.Duration // until its last
}

// do does a request. An error says that there was no whole answer.
func (c *caller) do(ctx context.Context, method string, u *url.URL, body []byte, header http.Header) (*answer, error) {
	start := time.Now()
	a := &answer{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { a.first = time.Since(start) }})
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, h := range []http.Header{c.target.header, header} {
		for name, list := range h {
			req.Header[name] = list
		}
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err != nil {
		return nil, err
	}
	a.status, a.header, a.total = resp.StatusCode, resp.Header, time.Since(start)
	return a, nil
}

// A refusal is an answer that is none of the protocol's, or its way to say no.
type refusal struct {
	*answer
	code    int    // of Engine.IO's errors; -1 if it is none
	message string // of Engine.IO's errors
}

// The codes of Engine.IO's errors.
const (
	codeTransport = 0 // unknown transport
	codeSession   = 1 // unknown session
	codeRequest   = 3 // bad request
	codeForbidden = 4
	codeProtocol  = 5 // unsupported protocol
)

// messages are those of errors that Node's servers send alone, without their code,
// to who asks for a WebSocket.
var messages = map[string]int{"Transport unknown": codeTransport, "Session ID unknown": codeSession}

func refused(a *answer) *refusal {
	var e struct {
		Code    *int
		Message any
	}
	if json.Unmarshal(a.body, &e) == nil && e.Code != nil {
		return &refusal{answer: a, code: *e.Code, message: fmt.Sprint(e.Message)}
	}
	if code, ok := messages[string(a.body)]; ok && a.status == http.StatusBadRequest {
		return &refusal{answer: a, code: code, message: string(a.body)}
	}
	return &refusal{answer: a, code: -1}
}

// Error implements error.
func (r *refusal) Error() string {
	if r.code >= 0 {
		return fmt.Sprintf("%d, code %d, %s", r.status, r.code, brief(r.message))
	}
	return fmt.Sprintf("%d %s, %s", r.status, http.StatusText(r.status), brief(string(r.body)))
}

// isHTML reports whether the answer is a page.
func (a *answer) isHTML() bool {
	return strings.Contains(a.header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(a.body)), []byte("<!doctype html"))
}

// gateway reports whether the answer is one that proxies give when nobody answers them.
func (a *answer) gateway() bool {
	return a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout
}

// isCode reports whether err is the refusal with that code.
func isCode(err error, code int) bool {
	var r *refusal
	return errors.As(err, &r) && r.code == code
}

// brief is the beginning of a text, on one line, without what would move a terminal's cursor.
func brief(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}
