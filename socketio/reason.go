package socketio

import (
	"encoding/json"
	"errors"
	"fmt"

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
	errInvalidNamespace = errors.New("Invalid namespace") // socket.io's words
	errInternal         = errors.New("Internal server error")
)

// connectError is the packet that tells a client that it was refused.
func connectError(protocol int, nsp string, err error) packet.Packet {
	message := struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{Message: err.Error()}
	if refused := (*ConnectError)(nil); errors.As(err, &refused) {
		message.Message, message.Data = refused.Message, refused.Data
	}
	var v any = message
	if protocol == 3 {
		if v = message.Data; v == nil {
			v = message.Message
		}
	}
	data, jsonErr := json.Marshal(v)
	if jsonErr != nil {
		data, _ = json.Marshal(fmt.Sprint(message.Message)) // a string always can
	}
	return packet.Packet{Type: packet.ConnectError, Namespace: nsp, Data: data}
}
