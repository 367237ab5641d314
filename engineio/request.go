package engineio

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Request is what a session keeps of the HTTP request that opened it. The
// headers are kept as one string, since most sessions never look at them.
type Request struct {
	// URL is path and query as the client sent them.
	URL string
	// RemoteAddr is the address and port of the connection's other end.
	RemoteAddr string
	// Secure says whether the connection came over TLS.
	Secure bool
	// Time is when the request came.
	Time time.Time

	header string // "Name\x00value\n" for each
}

func newRequest(r *http.Request) Request {
	q := Request{URL: r.URL.RequestURI(), RemoteAddr: r.RemoteAddr, Secure: isTLS(r.TLS), Time: time.Now()}
	n := len(r.Host) + len("Host\x00\n")
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 2
		}
	}
	var b strings.Builder
	b.Grow(n)
	add := func(name, value string) {
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(value)
		b.WriteByte('\n')
	}
	add("Host", r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			add(name, v)
		}
	}
	q.header = b.String()
	return q
}

func isTLS(s *tls.ConnectionState) bool { return s != nil }

// Header returns a copy of the request's headers, with Host among them.
func (r *Request) Header() http.Header {
	h := http.Header{}
	for line := range strings.Lines(r.header) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
		h.Add(name, value)
	}
	return h
}

// Query returns the parameters of the URL. Malformed ones are left out.
func (r *Request) Query() url.Values {
	_, raw, _ := strings.Cut(r.URL, "?")
	q, _ := url.ParseQuery(raw)
	return q
}
