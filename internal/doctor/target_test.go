package doctor

import (
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTarget reads addresses as socket.io-client does.
func TestTarget(t *testing.T) {
	for _, test := range []struct {
		o                     Options
		host, path, namespace string
		query                 string
	}{
		{Options{URL: "https://a.example"}, "https://a.example", "/socket.io/", "/", ""},
		{Options{URL: "https://a.example/"}, "https://a.example", "/socket.io/", "/", ""},
		{Options{URL: "https://a.example:443/chat"}, "https://a.example", "/socket.io/", "/chat", ""},
		{Options{URL: "wss://a.example:8443/chat?x=1"}, "https://a.example:8443", "/socket.io/", "/chat", "x=1"},
		{Options{URL: "localhost:3000"}, "http://localhost:3000", "/socket.io/", "/", ""},
		{Options{URL: "ws://[::1]:3000/chat"}, "http://[::1]:3000", "/socket.io/", "/chat", ""},
		{Options{URL: "http://[::1]"}, "http://[::1]", "/socket.io/", "/", ""},
		{Options{URL: "http://a.example/socket.io/"}, "http://a.example", "/socket.io/", "/", ""},
		{Options{URL: "http://a.example/api/socket.io"}, "http://a.example", "/api/socket.io/", "/", ""},
		{Options{URL: "http://a.example/chat", Path: "ws"}, "http://a.example", "/ws/", "/chat", ""},
		{Options{URL: "http://a.example", Path: "/", Namespace: "chat"}, "http://a.example", "/", "/chat", ""},
		{Options{URL: "http://a.example?a=1", Query: url.Values{"a": {"2"}}}, "http://a.example", "/socket.io/", "/", "a=1&a=2"},
	} {
		g, err := newTarget(test.o)
		if err != nil {
			t.Errorf("%s: %v", test.o.URL, err)
			continue
		}
		got := []string{g.scheme + "://" + g.host(), g.path, g.namespace, g.query.Encode()}
		if diff := cmp.Diff([]string{test.host, test.path, test.namespace, test.query}, got); diff != "" {
			t.Errorf("%s: %s", test.o.URL, diff)
		}
	}
}

// TestJudgeTCP has what becomes of the addresses of a name.
func TestJudgeTCP(t *testing.T) {
	const refused, silent = syscall.ECONNREFUSED, syscall.ETIMEDOUT
	for name, test := range map[string]struct {
		addrs string
		errs  []error
		want  string
	}{
		"all answer":             {"192.0.2.1 2001:db8::1", []error{nil, nil}, ""},
		"one refuses":            {"192.0.2.1 2001:db8::1", []error{nil, refused}, "tcp-partly"},
		"one is late":            {"192.0.2.1 192.0.2.2", []error{os.ErrDeadlineExceeded, nil}, "tcp-partly"},
		"no IPv6 here":           {"2001:db8::1 192.0.2.1", []error{syscall.ENETUNREACH, nil}, ""},
		"localhost has one more": {"::1 127.0.0.1", []error{refused, nil}, ""},
		"all refuse":             {"192.0.2.1", []error{refused}, "tcp-refused"},
		"nobody answers":         {"192.0.2.1 192.0.2.2", []error{silent, silent}, "tcp-timeout"},
	} {
		e := newExam(Options{}, &target{port: "80"})
		var addrs []netip.Addr
		for _, a := range strings.Fields(test.addrs) {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		e.judgeTCP(addrs, make([]time.Duration, len(addrs)), test.errs)
		got := ""
		for _, f := range e.report.Findings {
			got += f.ID
		}
		if stopped := test.want == "tcp-refused" || test.want == "tcp-timeout"; got != test.want || e.stopped != stopped {
			t.Errorf("%s: %q, want %q; stopped %v", name, got, test.want, e.stopped)
		}
	}
}

func TestNodes(t *testing.T) {
	random := []*opening{{SID: "k3bsdf000000000000AA"}, {SID: "9fJ2ka000000000000AB"}, {SID: "Lw_1xQ000000000000AC"}}
	named := []*opening{{SID: "nodeB-00000000000001"}, {SID: "nodeA-00000000000002"}, {SID: "nodeB-00000000000003"}}
	header := func(values ...string) (list []*opening) {
		for i, v := range values {
			list = append(list, &opening{SID: random[i].SID, answer: &answer{header: map[string][]string{"X-Served-By": {v}}}})
		}
		return list
	}
	sticky := func(values ...string) (list []*opening) {
		for i, v := range values {
			list = append(list, &opening{SID: random[i].SID, answer: &answer{header: map[string][]string{"Set-Cookie": {"io=" + random[i].SID, "server=" + v}}}})
		}
		return list
	}
	for name, test := range map[string]struct {
		openings []*opening
		nodes    []string
		by       string
	}{
		"nothing tells":    {random, []string{}, ""},
		"ids name nodes":   {named, []string{"nodeA-", "nodeB-"}, "session-id"},
		"a header":         {header("b", "a", "b"), []string{"a", "b"}, "header X-Served-By"},
		"a header, random": {header("1", "2", "3"), []string{}, ""},
		"a cookie":         {sticky("s2", "s1", "s1"), []string{"s1", "s2"}, "cookie server"},
	} {
		nodes, by := nodesOf(test.openings)
		if diff := cmp.Diff(test.nodes, nodes); diff != "" || by != test.by {
			t.Errorf("%s: by %q, want %q; %s", name, by, test.by, diff)
		}
	}
}

func TestGroups(t *testing.T) {
	even := func(from, to int) bool { return from%2 == to%2 }
	if got := groups(4, even); got != "1+3, 2+4" {
		t.Errorf("groups are %q", got)
	}
	if got := crossed(4, even); got != 4 {
		t.Errorf("%d ways are open", got)
	}
}

// TestBrief shows what servers say without what would write over a terminal.
func TestBrief(t *testing.T) {
	if got := brief("a\x1b[2J\r\n b\u009bc\x00"); got != "a [2J b c" {
		t.Errorf("%q", got)
	}
}
