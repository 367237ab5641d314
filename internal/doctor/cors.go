package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// checkCORS looks whether a page of the origin may read the answers.
func (e *exam) checkCORS(ctx context.Context) string {
	switch {
	case e.options.Origin == "":
		return "cors-unchecked"
	case !e.polls, e.sameOrigin():
		return notApplicable
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	p, err := e.session(ctx)
	if err != nil {
		return e.unopened(err)
	}
	defer e.leave(p)
	e.judgeCORS(p.open.answer.header, "GET")
	if !e.found("cors") && len(e.options.Header) > 0 {
		e.preflight(ctx, p)
	}
	return ""
}

// sameOrigin reports whether the page comes from the server itself.
func (e *exam) sameOrigin() bool {
	return strings.EqualFold(strings.TrimSuffix(e.options.Origin, "/"), e.target.scheme+"://"+e.target.host())
}

func (e *exam) judgeCORS(h http.Header, method string) {
	allowed := h.Values("Access-Control-Allow-Origin")
	switch {
	case len(allowed) == 0:
		e.find("cors", "cors-missing", method, e.options.Origin)
	case len(allowed) > 1:
		e.find("cors", "cors-twice", brief(strings.Join(allowed, ", ")))
	case allowed[0] != "*" && allowed[0] != e.options.Origin:
		e.find("cors", "cors-other", brief(allowed[0]), e.options.Origin)
	case allowed[0] == "*" || h.Get("Access-Control-Allow-Credentials") != "true":
		e.note("cors-no-credentials")
	}
}

// preflight asks what browsers ask before they send headers of the application's own.
func (e *exam) preflight(ctx context.Context, p *polling) {
	var names []string
	for name := range e.options.Header {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	a, err := p.caller.do(ctx, http.MethodOptions, e.target.url("polling", p.open.protocol, p.open.SID), nil, http.Header{
		"Access-Control-Request-Method":  {http.MethodPost},
		"Access-Control-Request-Headers": {strings.Join(names, ",")},
	})
	switch {
	case err != nil:
		e.find("cors", "cors-preflight", brief(err.Error()))
	case a.status < 200 || a.status > 299:
		e.find("cors", "cors-preflight", refused(a).Error())
	default:
		e.judgeCORS(a.header, http.MethodOptions)
	}
}

// checkJoin joins the namespace as clients do.
func (e *exam) checkJoin(ctx context.Context) string {
	l, err := e.link(ctx)
	if err != nil {
		return "join-unchecked"
	}
	defer e.leave(l)
	err = (&talk{link: l, protocol: e.target.protocol}).join(ctx, e.target)
	var no *connectError
	switch {
	case err == nil:
		e.joins = true
	case e.lost(err):
	case late(err) && e.plain > slow:
		return "too-slow"
	case !errors.As(err, &no):
		e.find("join-silent", "join-silent", e.target.namespace, brief(err.Error()))
	case no.message == "Invalid namespace":
		e.find("namespace-unknown", "connect-error", e.target.namespace, no.message)
	default:
		e.find("connect-refused", "connect-error", e.target.namespace, no.message)
	}
	return ""
}

var errNoTransport = errors.New("no transport works")

// link opens a session over what works.
func (e *exam) link(ctx context.Context) (link, error) {
	switch {
	case e.sockets:
		w, open, err := e.webSocket(ctx)
		if err != nil {
			return nil, err
		}
		e.openings = append(e.openings, open)
		return w, nil
	case e.polls:
		return e.session(ctx)
	}
	return nil, errNoTransport
}
