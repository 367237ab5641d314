package doctor

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// checkPath does the first handshake.
func (e *exam) checkPath(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	p, err := e.session(ctx)
	var no *refusal
	switch {
	case err == nil:
		e.polls = true
		e.learn(p.open)
		e.leave(p)
	case errors.As(err, &no):
		e.refusedHandshake(no)
	default:
		e.find("http-silent", "http-silent", brief(err.Error()))
		e.stop()
	}
	return ""
}

// learn keeps what a server says of itself.
func (e *exam) learn(o *opening) {
	e.open = o
	s := &e.report.Server
	s.PingInterval, s.PingTimeout, s.MaxPayload = o.PingInterval, o.PingTimeout, o.MaxPayload
}

// refusedHandshake says why there was no session. Only two refusals leave something to examine.
func (e *exam) refusedHandshake(r *refusal) {
	page := string(r.body)
	switch {
	case r.code == codeProtocol: // the next check names it
		return
	case r.code == codeTransport:
		e.find("polling-disabled", "answered", r.Error())
		return
	case r.status >= 300 && r.status < 400:
		e.find("http-redirect", "redirect", r.status, brief(r.header.Get("Location")))
	case r.gateway():
		e.find("no-server", "answered", r.Error())
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden, r.status == http.StatusTooManyRequests, r.code == codeForbidden:
		e.find("handshake-refused", "answered", r.Error())
	case r.status == http.StatusBadRequest && (strings.Contains(page, "HTTPS server") || strings.Contains(page, "HTTPS port")):
		e.find("https-expected", "answered", r.Error())
	case r.status == http.StatusNotFound:
		e.find("path-not-found", "answered-path", e.target.path, r.Error())
	case r.status == http.StatusOK && r.isHTML():
		e.find("path-html", "answered-path", e.target.path, r.Error())
	default:
		e.find("not-engine-io", "answered-path", e.target.path, r.Error())
	}
	e.stop()
}

// clientsOf are the versions of the JavaScript client that speak a protocol.
var clientsOf = map[int][]string{3: {"1.x", "2.x"}, 4: {"3.x", "4.x"}}

// checkProtocols asks for a session of each protocol.
func (e *exam) checkProtocols(ctx context.Context) string {
	if e.found("polling-disabled") {
		return "protocols-unchecked"
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	answers, errs := make([]*opening, 2), make([]error, 2)
	each(2, func(i int) { answers[i], errs[i] = e.speaks(ctx, 3+i) })
	spoken := map[int]*opening{}
	for i, o := range answers {
		if late(errs[i]) {
			return "too-slow"
		}
		if o != nil {
			spoken[o.protocol] = o
		}
	}
	for _, protocol := range []int{3, 4} {
		if spoken[protocol] != nil {
			e.report.Server.Protocols = append(e.report.Server.Protocols, protocol)
			e.report.Server.Clients = append(e.report.Server.Clients, clientsOf[protocol]...)
		}
	}
	asked, other := e.target.protocol, 7-e.target.protocol
	switch {
	case spoken[asked] != nil:
		return ""
	case spoken[other] == nil: // not even what the first check saw
		return e.unopened(errs[asked-3])
	}
	e.find("protocol-mismatch", "protocol-mismatch", asked, strings.Join(clientsOf[asked], ", "), other, strings.Join(clientsOf[other], ", "))
	e.target.protocol, e.polls = other, true
	e.learn(spoken[other])
	return ""
}

// speaks opens a session of a protocol.
func (e *exam) speaks(ctx context.Context, protocol int) (o *opening, err error) {
	c := e.target.caller(true, true)
	p, err := openPolling(ctx, c, protocol)
	if err != nil {
		c.close()
		return nil, err
	}
	e.leave(p)
	return p.open, nil
}
