package socketio

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A Handshake is what a client said when it connected.
type Handshake struct {
	// Auth is what the client sent to join the namespace: a JSON object, nil if
	// nothing. Clients of Socket.IO 1 and 2 can't send it: for them it is the
	// namespace's query.
	Auth json.RawMessage
	// Query has the parameters of the request's URL; for clients of Socket.IO 1 and
	// 2 those of the namespace ("/chat?username=x") as well, which go first.
	Query url.Values
	// Header has the headers of the request that opened the connection.
	Header http.Header
	// Address is the IP address of the connection's other end.
	Address string
	// Time is when the connection was opened.
	Time time.Time
	// Secure says whether it came over TLS.
	Secure bool
	// URL is path and query of the request.
	URL string
}

// Handshake returns what the client said when it connected. It is put together
// with each call.
func (s *Socket) Handshake() Handshake {
	r := s.conn.session.Request()
	h := Handshake{Query: r.Query(), Header: r.Header(), Address: r.RemoteAddr, Time: r.Time, Secure: r.Secure, URL: r.URL}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		h.Address = host
	}
	if s.conn.session.Protocol() == 4 {
		if s.auth != "" {
			h.Auth = json.RawMessage(s.auth)
		}
		return h
	}
	query, _ := url.ParseQuery(s.auth) // what is malformed is left out
	first := map[string]string{}
	for name, values := range query {
		h.Query[name] = append(values, h.Query[name]...)
		first[name] = values[0]
	}
	if len(first) > 0 {
		h.Auth, _ = json.Marshal(first) // strings
	}
	return h
}
