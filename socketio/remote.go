package socketio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// A RemoteSocket is a socket of any node as it was when it was asked for. Its methods
// act on the socket itself, wherever it is.
type RemoteSocket struct {
	ID        string
	Handshake Handshake
	Rooms     []string // with its own id
	// Data is what [Socket.SetData] was given, in JSON: see [RemoteSocket.DecodeData].
	// It is empty if that was nothing, or can't be encoded.
	Data Raw

	ns *Namespace
}

// DecodeData decodes Data into what v points to, by the rules of encoding/json;
// binary goes into []byte. Without any data v stays as it is.
func (r RemoteSocket) DecodeData(v any) error {
	if len(r.Data.JSON) == 0 {
		return nil
	}
	return packet.Unmarshal(r.Data.JSON, r.Data.Attachments, v)
}

func (r RemoteSocket) self() Broadcast { return r.ns.To(r.ID) }

// Emit sends an event to the client, see [Broadcast.Emit].
func (r RemoteSocket) Emit(event string, args ...any) error { return r.self().Emit(event, args...) }

// Join puts the socket into rooms, see [Broadcast.SocketsJoin].
func (r RemoteSocket) Join(rooms ...string) error { return r.self().SocketsJoin(rooms...) }

// Leave takes the socket out of rooms, see [Broadcast.SocketsLeave].
func (r RemoteSocket) Leave(rooms ...string) error { return r.self().SocketsLeave(rooms...) }

// Disconnect disconnects the socket, see [Broadcast.DisconnectSockets].
func (r RemoteSocket) Disconnect(closeConnection bool) error {
	return r.self().DisconnectSockets(closeConnection)
}

// remote returns a socket of this or another node that was described by it.
func (ns *Namespace) remote(s adapter.Socket) RemoteSocket {
	return RemoteSocket{
		ID: s.ID, Rooms: s.Rooms, Handshake: parseHandshake(s.Handshake),
		Data: Raw{JSON: s.Data.Data, Attachments: s.Data.Attachments}, ns: ns,
	}
}

// describe returns what other nodes may know of the socket, or false if it has just
// left.
func (s *Socket) describe() (adapter.Socket, bool) {
	d := adapter.Socket{ID: s.id, Rooms: s.Rooms()}
	if d.Rooms == nil {
		return d, false
	}
	d.Handshake = s.Handshake().marshal()
	if data := s.Data(); data != nil {
		value, err := marshalData(data)
		if err != nil {
			s.ns.server.log.Debug("data of a socket can't be encoded", "namespace", s.ns.name, "socket", s.id, "error", err)
		}
		d.Data = value
	}
	return d, true
}

// marshalData encodes what the application has with a socket. Nobody who could be told
// of a panic waits for that: it is an error.
func marshalData(data any) (value adapter.Event, err error) {
	defer recovered(&err)
	return marshalValue(data)
}

// recovered, deferred, makes an error of a panic.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", errPanic, v)
	}
}

// marshalValue encodes one value.
func marshalValue(v any) (adapter.Event, error) {
	data, attachments, err := packet.MarshalArgs(v)
	if err != nil {
		return adapter.Event{}, err
	}
	return adapter.Event{Data: data[1 : len(data)-1], Attachments: attachments}, nil
}

// A wireHandshake is a handshake as servers of Node.js tell it to each other:
// https://github.com/socketio/socket.io/blob/main/packages/socket.io/lib/socket-types.ts
type wireHandshake struct {
	Headers map[string]any  `json:"headers"` // strings, or arrays of them
	Time    string          `json:"time"`
	Address string          `json:"address"`
	XDomain bool            `json:"xdomain"`
	Secure  bool            `json:"secure"`
	Issued  int64           `json:"issued"` // in milliseconds since 1970
	URL     string          `json:"url"`
	Query   map[string]any  `json:"query"` // strings, or arrays of them
	Auth    json.RawMessage `json:"auth"`
}

// dateLayout is how Date of JavaScript is written.
const dateLayout = "Mon Jan 02 2006 15:04:05 GMT-0700 (MST)"

func (h Handshake) marshal() []byte {
	w := wireHandshake{
		Headers: map[string]any{}, Query: map[string]any{},
		Time: h.Time.Format(dateLayout), Issued: h.Time.UnixMilli(),
		Address: h.Address, XDomain: h.Header.Get("Origin") != "", Secure: h.Secure, URL: h.URL, Auth: h.Auth,
	}
	if w.Auth == nil {
		w.Auth = json.RawMessage("{}")
	}
	for name, values := range h.Header {
		w.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	for name, values := range h.Query {
		if w.Query[name] = values; len(values) == 1 {
			w.Query[name] = values[0]
		}
	}
	b, _ := json.Marshal(w) // Auth was valid JSON when it came
	return b
}

// parseHandshake reads what another node says; what it can't make sense of is left
// out.
func parseHandshake(b []byte) (h Handshake) {
	var w wireHandshake
	if len(b) == 0 || json.Unmarshal(b, &w) != nil {
		return h
	}
	h = Handshake{
		Header: http.Header{}, Query: url.Values{}, Auth: w.Auth,
		Time: time.UnixMilli(w.Issued), Address: w.Address, Secure: w.Secure, URL: w.URL,
	}
	for name, value := range w.Headers {
		h.Header[http.CanonicalHeaderKey(name)] = texts(value)
	}
	for name, value := range w.Query {
		h.Query[name] = texts(value)
	}
	return h
}

// texts returns a string, or those in an array.
func texts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				list = append(list, s)
			}
		}
	}
	return list
}
