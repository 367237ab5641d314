package engineio

import (
	"encoding/json"
	"net/url"
	"strings"
)

// JSONP is polling for browsers whose pages may not send requests to other origins:
// they load each answer as a script, and post a form into a hidden frame.
// https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/transports/polling-jsonp.ts

// maxJSONPIndex is how many digits of a callback's number are kept. Clients
// count from 0.
const maxJSONPIndex = 10

// jsonpHead returns the beginning of each script for the client of a handshake, or
// "" if the client doesn't poll by JSONP. Nothing but digits gets from the request
// into a script.
func jsonpHead(query url.Values) string {
	if !query.Has("j") {
		return ""
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, query.Get("j"))
	return "___eio[" + digits[:min(len(digits), maxJSONPIndex)] + "]("
}

// appendJSONP makes a script of a payload. The payload becomes a JSON text without
// U+2028 and U+2029, which is JavaScript of any edition, and without "<", which
// keeps it from being anything else.
func appendJSONP(head string, payload []byte) []byte {
	text, _ := json.Marshal(string(payload)) // a string
	script := make([]byte, 0, len(head)+len(text)+len(");"))
	script = append(script, head...)
	script = append(script, text...)
	return append(script, ");"...)
}

// jsonpPayload returns the payload of a posted form: its field d. A form without
// one has an empty payload.
func jsonpPayload(form []byte) ([]byte, error) {
	for field := range strings.SplitSeq(string(form), "&") {
		if value, ok := strings.CutPrefix(field, "d="); ok {
			data, err := url.QueryUnescape(value)
			return []byte(unescapeNewlines.Replace(data)), err
		}
	}
	return nil, nil
}

// unescapeNewlines undoes what clients do to keep browsers from turning newlines
// of a form into others: "\" and "n" stand for a newline, and have a second "\"
// before them if they stand for themselves.
var unescapeNewlines = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")
