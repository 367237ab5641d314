package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// nodeID is how many characters at the beginning of a session's id name its node,
// where the servers are Damso.
const nodeID = 6

// nodeHeaders are those by which proxies and servers say who answered.
var nodeHeaders = []string{"X-Served-By", "X-Node", "X-Node-Id", "X-Backend", "X-Backend-Server", "X-Upstream", "X-Instance", "X-Server", "X-Server-Id", "X-Hostname"}

// checkNodes finds out how many nodes have answered, if anything tells them apart.
func (e *exam) checkNodes(context.Context) string {
	if len(e.openings) < 3 {
		return notApplicable
	}
	s := &e.report.Server
	if s.Nodes, s.NodesBy = nodesOf(e.openings); s.NodesBy == "" {
		return "nodes-unknown"
	}
	return ""
}

// nodesOf returns what tells the nodes of some sessions apart, and where it stands.
func nodesOf(openings []*opening) (nodes []string, by string) {
	var ids []string
	var answers []*answer
	for _, o := range openings {
		ids = append(ids, brief(o.SID[:min(nodeID, len(o.SID))]))
		if o.answer != nil {
			answers = append(answers, o.answer)
		}
	}
	if nodes, ok := repeated(ids); ok {
		return nodes, "session-id"
	}
	for _, name := range nodeHeaders {
		if nodes, ok := repeated(values(answers, func(a *answer) string { return a.header.Get(name) })); ok {
			return nodes, "header " + name
		}
	}
	for _, name := range cookieNames(answers) {
		if nodes, ok := repeated(values(answers, func(a *answer) string { return cookie(a, name) })); ok {
			return nodes, "cookie " + name
		}
	}
	return []string{}, ""
}

// repeated returns the different values, if some value stands for several sessions:
// what is chance, or of the session, is never twice the same.
func repeated(list []string) ([]string, bool) {
	total := len(list)
	slices.Sort(list)
	list = slices.Compact(list)
	return list, len(list) > 0 && len(list) < total
}

// values are those that answers have, without the empty ones.
func values(answers []*answer, of func(*answer) string) (list []string) {
	for _, a := range answers {
		if v := of(a); v != "" {
			list = append(list, brief(v))
		}
	}
	return list
}

func cookies(a *answer) []*http.Cookie { return (&http.Response{Header: a.header}).Cookies() }

func cookieNames(answers []*answer) (names []string) {
	for _, a := range answers {
		for _, c := range cookies(a) {
			names = append(names, c.Name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names)
}

func cookie(a *answer, name string) string {
	for _, c := range cookies(a) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}
