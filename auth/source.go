package auth

import (
	"encoding/json"
	"strings"

	"github.com/damso/damso/socketio"
)

// A Source finds a client's token in its handshake, and returns "" if there is none.
type Source func(socketio.Handshake) string

// FromAuth finds the token in what the client sent to join the namespace: in
// JavaScript, io(url, {auth: {token: "…"}}). For clients of Socket.IO 1.7 and 2
// that is the namespace's query: io(url + "/chat?token=…"). Older ones have
// [FromQuery] only.
func FromAuth(name string) Source {
	return func(h socketio.Handshake) string {
		var all map[string]json.RawMessage
		var token string
		if json.Unmarshal(h.Auth, &all) != nil || json.Unmarshal(all[name], &token) != nil {
			return ""
		}
		return withoutBearer(token)
	}
}

// FromBearer finds the token in the header "Authorization: Bearer …". Browsers
// can't set it for a WebSocket.
func FromBearer(h socketio.Handshake) string {
	value := h.Header.Get("Authorization")
	if token := withoutBearer(value); token != value {
		return token
	}
	return ""
}

// FromHeader finds the token in a header of that name.
func FromHeader(name string) Source {
	return func(h socketio.Handshake) string { return withoutBearer(h.Header.Get(name)) }
}

// FromQuery finds the token in the query. URLs end up in the logs of proxies, and
// the tokens with them: this is for clients that can do nothing else, such as those
// before Socket.IO 1.7, and those of 1.7 and 2 in the main namespace.
func FromQuery(name string) Source {
	return func(h socketio.Handshake) string { return withoutBearer(h.Query.Get(name)) }
}

// withoutBearer cuts off the name of the scheme, which some clients send along.
func withoutBearer(value string) string {
	const scheme = "Bearer "
	if len(value) > len(scheme) && strings.EqualFold(value[:len(scheme)], scheme) {
		return strings.TrimSpace(value[len(scheme):])
	}
	return value
}
