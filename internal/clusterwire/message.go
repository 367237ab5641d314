// Package clusterwire has the messages that servers of Node.js send each other with
// the adapters that are built on socket.io-adapter's ClusterAdapter: sharded PUB/SUB
// (@socket.io/redis-adapter 8) and Streams (@socket.io/redis-streams-adapter 0.3).
// It is pure.
//
// A message is an object {type, data, uid, nsp}, in JSON or, where data holds binary,
// in MessagePack. What an event, an acknowledgement or a socket carries is passed on
// as it came, without values in between.
package clusterwire

import "github.com/damso/damso/adapter"

// A Type is the type of a message.
type Type int

// Types of messages. 1, 2 and 13 are heartbeats, which these adapters do not send.
const (
	Broadcast          Type = 3
	SocketsJoin        Type = 4
	SocketsLeave       Type = 5
	DisconnectSockets  Type = 6
	FetchSockets       Type = 7
	FetchResponse      Type = 8
	ServerSideEmit     Type = 9
	ServerSideResponse Type = 10
	ClientCount        Type = 11
	ClientAck          Type = 12
)

// TypeOf returns the type of the messages that carry operations of a kind, 0 if none
// does.
func TypeOf(k adapter.Kind) Type {
	switch k {
	case adapter.Broadcast:
		return Broadcast
	case adapter.Join:
		return SocketsJoin
	case adapter.Leave:
		return SocketsLeave
	case adapter.Disconnect:
		return DisconnectSockets
	case adapter.Fetch, adapter.Rooms: // the rooms are those of all sockets
		return FetchSockets
	case adapter.ServerSide:
		return ServerSideEmit
	}
	return 0
}

// Response reports whether messages of the type answer a question.
func (t Type) Response() bool { return t.answer() != "" }

// asks reports whether a message of a type that asks for something has a member of its
// data with that key.
func (t Type) asks(key string) bool {
	changes := t == SocketsJoin || t == SocketsLeave || t == DisconnectSockets // nobody answers these
	switch key {
	case "packet":
		return t == Broadcast || t == ServerSideEmit
	case "opts":
		return t != ServerSideEmit
	case "requestId":
		return !changes
	case "only":
		return t == FetchSockets
	case "rooms":
		return t == SocketsJoin || t == SocketsLeave
	case "close":
		return t == DisconnectSockets
	}
	return false
}

// answer is the key under which messages of a type that answers have their answer.
func (t Type) answer() string {
	switch t {
	case FetchResponse:
		return "sockets"
	case ClientCount:
		return "clientCount"
	case ServerSideResponse, ClientAck:
		return "packet"
	}
	return ""
}

// A Message is one of a node to the others, or to the one that has asked.
type Message struct {
	Type      Type
	UID       string // names the sender, in this namespace
	Namespace string

	// ID is that of the question, and of the one that is answered. It is "" if no
	// answer is wanted.
	ID string

	// Op is what the others are asked to do; nil in a response. Its Timeout is positive
	// if there is an ID.
	Op *adapter.Operation

	// Answer is what a response says. Its Node is not set. The Value of an
	// acknowledgement is an array with the first of its arguments: the others do not
	// travel.
	Answer adapter.Answer
}

// Binary reports whether the message holds binary.
func (m *Message) Binary() bool {
	if m.Op != nil {
		return len(m.Op.Event.Attachments) > 0
	}
	for _, s := range m.Answer.Sockets {
		if len(s.Data.Attachments) > 0 {
			return true
		}
	}
	return len(m.Answer.Value.Attachments) > 0
}
