package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Reason says why a session ended, in the words of engine.io.
type Reason string

// Reasons for the end of a session.
const (
	// TransportClose: the client closed the connection, or it was lost.
	TransportClose Reason = "transport close"
	// TransportError: the connection failed, or the client broke a rule of its transport.
	TransportError Reason = "transport error"
	// PingTimeout: the client was silent for too long.
	PingTimeout Reason = "ping timeout"
	// ParseError: the client sent what is no Engine.IO packet.
	ParseError Reason = "parse error"
	// ForcedClose: the server closed the session.
	ForcedClose Reason = "forced close"
)

// ErrSlowClient means that [Options.MaxBuffer] bytes were already waiting for
// the client. The session is closed: a client that cannot keep up would
// otherwise hold memory without bound.
var ErrSlowClient = errors.New("engineio: client too slow")

// ErrClosed is returned when something is sent to a session that has ended.
var ErrClosed = errors.New("engineio: session closed")

// Errors that the description of a closed session may carry.
var (
	errOverlapGet     = errors.New("engineio: overlap from client: a second GET while one was waiting")
	errOverlapPost    = errors.New("engineio: data request overlap from client: a second POST while one was read")
	errHeartbeat      = errors.New("engineio: invalid heartbeat direction")
	errBinaryPolling  = errors.New("engineio: invalid content: protocol 4 sends no application/octet-stream")
	errPollAborted    = errors.New("engineio: poll connection closed prematurely")
	errPostAborted    = errors.New("engineio: data request connection closed prematurely")
	errUnknownPacket  = errors.New("engineio: packet of unexpected type")
	errServerShutdown = errors.New("engineio: server closed")
)

// A ConnectionError says why a request was refused, in the codes and words of
// engine.io.
// https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/server.ts
type ConnectionError struct {
	// Code is 0 for an unknown transport, 1 for an unknown session, 2 for a bad
	// handshake method, 3 for a bad request, 4 for a refusal by AllowRequest or
	// Admit, 5 for a protocol version that is not supported.
	Code int `json:"code"`
	// Message is what the client is told.
	Message string `json:"message"`
	// Context has what the refusal was about, by the names of engine.io: "name",
	// "transport", "previousTransport", "sid", "method", "protocol",
	// "previousProtocol". The client does not get it.
	Context map[string]any `json:"-"`
	// Err is the error of AllowRequest or Admit, or nil.
	Err error `json:"-"`
}

func (e *ConnectionError) Error() string {
	return fmt.Sprintf("engineio: %s (code %d)", e.Message, e.Code)
}

// Unwrap returns the error of AllowRequest or Admit, or nil.
func (e *ConnectionError) Unwrap() error { return e.Err }

var (
	errUnknownTransport    = &ConnectionError{Code: 0, Message: "Transport unknown"}
	errUnknownSession      = &ConnectionError{Code: 1, Message: "Session ID unknown"}
	errBadHandshakeMethod  = &ConnectionError{Code: 2, Message: "Bad handshake method"}
	errBadRequest          = &ConnectionError{Code: 3, Message: "Bad request"}
	errUnsupportedProtocol = &ConnectionError{Code: 5, Message: "Unsupported protocol version"}
)

func errForbidden(err error) *ConnectionError {
	return &ConnectionError{Code: 4, Message: err.Error(), Err: err}
}

// with returns a copy of e with a context of names and values.
func (e *ConnectionError) with(context ...any) *ConnectionError {
	c := *e
	c.Context = map[string]any{}
	for i := 0; i < len(context); i += 2 {
		c.Context[context[i].(string)] = context[i+1]
	}
	return &c
}

// refused counts a request that is refused, and tells who wants to know.
func (s *Server) refused(r *http.Request, e *ConnectionError) {
	why := RefusedRequest // with a code that only another node knows
	if e.Code >= 0 && e.Code <= errUnsupportedProtocol.Code {
		why = refusals[e.Code]
	}
	s.counters.refuse(why)
	if s.opts.OnConnectionError != nil {
		s.opts.OnConnectionError(r, e)
	}
}

// reject answers a request with e.
func (s *Server) reject(w http.ResponseWriter, r *http.Request, e *ConnectionError) {
	s.refused(r, e)
	// net/http wants the rest of a small body first, and waits for it as long as it may.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTimeout))
	e.write(w)
}

// write answers a request with e.
func (e *ConnectionError) write(w http.ResponseWriter) {
	status := http.StatusBadRequest
	if e.Code == 4 {
		status = http.StatusForbidden
	}
	body, _ := json.Marshal(e) // two plain fields
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left misses nothing
}
