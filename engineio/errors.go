package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
	errUnknownPacket  = errors.New("engineio: packet of unexpected type")
	errServerShutdown = errors.New("engineio: server closed")
)

// A requestError is an answer to a request that the protocol does not allow.
// https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/server.ts
type requestError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *requestError) Error() string {
	return fmt.Sprintf("engineio: %s (code %d)", e.Message, e.Code)
}

var (
	errUnknownTransport    = &requestError{0, "Transport unknown"}
	errUnknownSession      = &requestError{1, "Session ID unknown"}
	errBadHandshakeMethod  = &requestError{2, "Bad handshake method"}
	errBadRequest          = &requestError{3, "Bad request"}
	errUnsupportedProtocol = &requestError{5, "Unsupported protocol version"}
)

func errForbidden(message string) *requestError { return &requestError{4, message} }

// write answers a request with e.
func (e *requestError) write(w http.ResponseWriter) {
	status := http.StatusBadRequest
	if e.Code == 4 {
		status = http.StatusForbidden
	}
	body, _ := json.Marshal(e) // two plain fields
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left misses nothing
}
