package chat

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

// Limits of a message.
const (
	maxName    = 50       // characters
	maxText    = 2_000    // characters
	maxPayload = 32 << 10 // bytes of JSON, with whatever else a client puts into it
)

var (
	errNoPayload = gateway.Errorf("payload must be an object {name, text}")
	errTooLarge  = gateway.Errorf("payload must have at most %d bytes", maxPayload)
	errBinary    = gateway.Errorf("payload must not have binary in it")
)

// check says what is wrong with the payload of a message, if anything is. It looks
// at keys as JavaScript does: exactly, and the last of two counts.
func check(payload socketio.Raw) error {
	switch {
	case len(payload.Attachments) > 0:
		return errBinary
	case len(payload.JSON) > maxPayload:
		return errTooLarge
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload.JSON, &fields); err != nil || fields == nil {
		return errNoPayload
	}
	if err := checkString("name", fields["name"], maxName); err != nil {
		return err
	}
	return checkString("text", fields["text"], maxText)
}

func checkString(key string, value json.RawMessage, limit int) error {
	var s *string
	if err := json.Unmarshal(value, &s); err != nil || s == nil {
		return gateway.Errorf("%s must be a string", key)
	}
	if n := utf8.RuneCountInString(*s); n < 1 || n > limit {
		return gateway.Errorf("%s must have 1 to %d characters", key, limit)
	}
	return nil
}
