package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A target is where to, as which client. It is not changed after newTarget, but for
// protocol.
type target struct {
	scheme    string // http or https
	hostname  string
	port      string
	path      string // of Socket.IO, with slashes on both sides
	namespace string
	protocol  int // of Engine.IO; set again once the server has said what it speaks
	auth      json.RawMessage
	query     url.Values
	header    http.Header
	roots     *x509.CertPool

	serial atomic.Uint64 // makes URLs unlike each other
}

// newTarget reads the options as a JavaScript client reads its arguments.
func newTarget(o Options) (*target, error) {
	raw := o.URL
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("doctor: %w", err)
	}
	t := &target{hostname: u.Hostname(), port: u.Port(), protocol: o.Protocol, auth: o.Auth, roots: o.Roots}
	switch u.Scheme {
	case "http", "ws":
		t.scheme = "http"
	case "https", "wss":
		t.scheme = "https"
	default:
		return nil, fmt.Errorf("doctor: the address %q must begin with http:// or https://", o.URL)
	}
	if t.hostname == "" {
		return nil, fmt.Errorf("doctor: the address %q names no host", o.URL)
	}
	if t.port == "" {
		t.port = map[string]string{"http": "80", "https": "443"}[t.scheme]
	}
	if t.protocol == 0 {
		t.protocol = 4
	}
	if t.protocol != 3 && t.protocol != 4 {
		return nil, fmt.Errorf("doctor: there are the protocols 3 and 4, not %d", t.protocol)
	}
	if len(o.Auth) > 0 && (!json.Valid(o.Auth) || o.Auth[0] != '{') {
		return nil, errors.New("doctor: the auth data must be a JSON object")
	}
	if err := checkEmit(o); err != nil {
		return nil, err
	}
	t.places(u.Path, o)
	t.extras(u.Query(), o)
	return t, nil
}

// checkEmit looks whether Emit and Expect can be meant.
func checkEmit(o Options) error {
	var array []any
	switch {
	case o.Emit == "":
		return nil
	case o.Expect == "":
		return errors.New("doctor: an event to emit needs one to expect")
	case !strings.HasPrefix(strings.TrimSpace(o.Emit), "["):
		return nil
	case json.Unmarshal([]byte(o.Emit), &array) != nil || len(array) == 0:
		return errors.New("doctor: the event to emit must be a name or a JSON array")
	}
	if _, ok := array[0].(string); !ok {
		return errors.New("doctor: the array of the event to emit must begin with its name")
	}
	return nil
}

// places tells Socket.IO's path from the namespace: the path of the URL is a
// namespace, as it is for JavaScript clients, unless it is Socket.IO's path itself.
func (t *target) places(path string, o Options) {
	t.path, t.namespace = o.Path, o.Namespace
	trimmed := strings.TrimSuffix(path, "/")
	switch {
	case o.Path == "" && strings.HasSuffix(trimmed, "/socket.io"):
		t.path = trimmed
	case t.namespace == "":
		t.namespace = path
	}
	if t.path == "" {
		t.path = "/socket.io"
	}
	t.path = "/" + strings.Trim(t.path, "/") + "/"
	if t.path == "//" {
		t.path = "/"
	}
	t.namespace = "/" + strings.TrimPrefix(t.namespace, "/")
}

// extras are what goes with every request.
func (t *target) extras(query url.Values, o Options) {
	t.query, t.header = url.Values{}, http.Header{}
	for _, values := range []url.Values{query, o.Query} {
		for name, list := range values {
			t.query[name] = append(t.query[name], list...)
		}
	}
	for name, list := range o.Header {
		t.header[http.CanonicalHeaderKey(name)] = list
	}
	if t.header.Get("User-Agent") == "" {
		t.header.Set("User-Agent", "damso-doctor")
	}
	if o.Origin != "" {
		t.header.Set("Origin", o.Origin)
	}
}

// addr is the host and port.
func (t *target) addr() string { return net.JoinHostPort(t.hostname, t.port) }

// host is how requests name the server.
func (t *target) host() string {
	if t.port == map[string]string{"http": "80", "https": "443"}[t.scheme] {
		if strings.Contains(t.hostname, ":") {
			return "[" + t.hostname + "]"
		}
		return t.hostname
	}
	return t.addr()
}

// url is that of a request, which is never the same twice, as clients see to it
// with their parameter t.
func (t *target) url(transport string, protocol int, sid string) *url.URL {
	q := url.Values{}
	for name, list := range t.query {
		q[name] = list
	}
	q.Set("EIO", strconv.Itoa(protocol))
	q.Set("transport", transport)
	q.Set("t", strconv.FormatInt(time.Now().UnixMilli(), 36)+"."+strconv.FormatUint(t.serial.Add(1), 36))
	if sid != "" {
		q.Set("sid", sid)
	}
	return &url.URL{Scheme: t.scheme, Host: t.host(), Path: t.path, RawQuery: q.Encode()}
}

// tls is how connections are encrypted. The certificate is judged by a check of its
// own: what is wrong with it must not hide the rest.
func (t *target) tls() *tls.Config {
	return &tls.Config{ServerName: t.hostname, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
}
