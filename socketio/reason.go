package socketio

import (
	"encoding/json"
	"errors"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// Reason says why a socket was disconnected, in the words of socket.io.
type Reason string

// Reasons for a disconnection.
const (
	// ClientNamespaceDisconnect: the client left the namespace.
	ClientNamespaceDisconnect Reason = "client namespace disconnect"
	// ServerNamespaceDisconnect: [Socket.Disconnect] was called.
	ServerNamespaceDisconnect Reason = "server namespace disconnect"
	// ServerShuttingDown: the server is shut down.
	ServerShuttingDown Reason = "server shutting down"
	// ForcedServerClose: the server closed the connection.
	ForcedServerClose Reason = "forced server close"
	// TransportClose: the client closed the connection, or it was lost.
	TransportClose = Reason(engineio.TransportClose)
	// TransportError: the connection failed, or the client was too slow.
	TransportError = Reason(engineio.TransportError)
	// PingTimeout: the client was silent for too long.
	PingTimeout = Reason(engineio.PingTimeout)
	// ParseError: the client sent what is no packet.
	ParseError = Reason(engineio.ParseError)
)

// ErrDisconnected is returned by what needs a connected socket.
var ErrDisconnected = errors.New("socketio: socket is disconnected")

// A ConnectError refuses a client that wants to join a namespace: a middleware
// returns it. Any other error does so, too, with its text as the message.
type ConnectError struct {
	Message string
	// Data is encoded as JSON and may be nil. Clients of Socket.IO 1 and 2 get it
	// instead of the message.
	Data any
}

func (e *ConnectError) Error() string { return e.Message }

// What a client is told that is refused otherwise.
var (
	errInvalidNamespace = &ConnectError{Message: "Invalid namespace"} // socket.io's words
	errInternal         = &ConnectError{Message: "Internal server error"}
)

// connectError is the packet that tells a client that it was refused. Data that
// can't be encoded is left out.
func connectError(protocol int, nsp string, err error) packet.Packet {
	refusal := ConnectError{Message: err.Error()}
	if e := (*ConnectError)(nil); errors.As(err, &e) {
		refusal = *e
	}
	data, err := json.Marshal(refusal.Data)
	switch {
	case err != nil || refusal.Data == nil:
		data = nil
	case protocol == 3:
		return packet.Packet{Type: packet.ConnectError, Namespace: nsp, Data: data}
	}
	var v any = refusal.Message
	if protocol == 4 {
		v = struct {
			Message string          `json:"message"`
			Data    json.RawMessage `json:"data,omitempty"`
		}{refusal.Message, data}
	}
	data, _ = json.Marshal(v) // strings, and what was encoded
	return packet.Packet{Type: packet.ConnectError, Namespace: nsp, Data: data}
}
