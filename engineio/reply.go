package engineio

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// writePayload answers a GET. A client that does not take it within the time of a
// heartbeat is lost anyway, and must not keep it in memory.
func (s *Session) writePayload(w http.ResponseWriter, r *http.Request, p payload) {
	h := w.Header()
	switch {
	case s.jsonp != "": // engine.io says text/plain, with which "nosniff" keeps scripts from being run
		h.Set("Content-Type", "text/javascript; charset=UTF-8")
		p.body = appendJSONP(s.jsonp, p.body)
	case p.binary:
		h.Set("Content-Type", "application/octet-stream")
	default:
		h.Set("Content-Type", "text/plain; charset=UTF-8")
	}
	if s.srv.opts.compressible(p) {
		if coding := contentCoding(strings.Join(r.Header.Values("Accept-Encoding"), ",")); coding != "" {
			p.body = encodeHTTP(coding, p.body)
			h.Set("Content-Encoding", coding)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	s.shard.out.bytes.Add(uint64(len(p.body)))
	s.pollHeaders(w, r)
	if routed, ok := w.(*replyWriter); ok {
		routed.messages = p.messages
	}
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(s.srv.opts.PingInterval + s.srv.opts.PingTimeout))
	_, _ = w.Write(p.body) // a client that left is noticed by its next request
	_ = c.Flush()
	_ = c.SetWriteDeadline(time.Time{})
}

// pollHeaders completes the headers of the answer to a GET or a POST, unless that
// goes to another node, which does it.
func (s *Session) pollHeaders(w http.ResponseWriter, r *http.Request) {
	if _, routed := w.(*replyWriter); !routed {
		s.srv.pollHeaders(w.Header(), r)
	}
}

func (s *Server) pollHeaders(h http.Header, r *http.Request) {
	h.Set("Cache-Control", "no-store")
	// "prevent XSS warnings on IE"
	if agent := r.UserAgent(); strings.Contains(agent, ";MSIE") || strings.Contains(agent, "Trident/") {
		h.Set("X-XSS-Protection", "0")
	}
	s.opts.headers(h, r)
}

// headers lets the hooks change the headers of an answer.
func (o *Options) headers(h http.Header, r *http.Request) {
	if o.InitialHeaders != nil && r.URL.Query().Get("sid") == "" {
		o.InitialHeaders(h, r)
	}
	if o.Headers != nil {
		o.Headers(h, r)
	}
}
