package packet

import (
	"bytes"
	"errors"
	"fmt"
)

// Raw is an argument that is passed on as it came: the order of keys, the spelling
// of numbers and surrogates without their other half survive.
//
// It may be marshalled as an argument or anywhere inside one, and [Unmarshal] can
// fill one. The zero value is null.
type Raw struct {
	// JSON is one JSON value in UTF-8. In it, {"_placeholder":true,"num":n} stands
	// for Attachments[n] if there are any attachments, and is an object like any
	// other if there are none.
	JSON []byte
	// Attachments that JSON has no place for are not sent.
	Attachments [][]byte
}

var errRawAttachments = errors.New("packet: Raw with attachments outside of an event or ack")

// MarshalJSON returns r.JSON. It fails if there are attachments, for which there
// is no place in plain JSON.
func (r Raw) MarshalJSON() ([]byte, error) {
	if len(r.Attachments) > 0 {
		return nil, errRawAttachments
	}
	if len(r.JSON) == 0 {
		return []byte("null"), nil
	}
	return r.JSON, nil
}

// UnmarshalJSON keeps a copy of text.
func (r *Raw) UnmarshalJSON(text []byte) error {
	*r = Raw{JSON: bytes.Clone(text)}
	return nil
}

// cutRaw returns the Raw for arg, a part of an array that has attachments: its
// own ones only, so that it means the same anywhere. Without attachments it
// aliases arg.
func cutRaw(arg []byte, attachments [][]byte) (Raw, error) {
	if len(attachments) == 0 {
		return Raw{JSON: arg}, nil
	}
	var r Raw
	var err error
	r.JSON, r.Attachments, err = renumber(nil, nil, arg, attachments)
	if err == nil && len(r.Attachments) == 0 {
		r.JSON = arg // as any other JSON without binary
	}
	return r, err
}

// renumber appends text to dst with its placeholders, which stand for
// attachments, made to stand for the same ones at the end of all.
func renumber(dst []byte, all [][]byte, text []byte, attachments [][]byte) ([]byte, [][]byte, error) {
	found, err := findPlaceholders(text)
	if err != nil {
		return dst, all, err
	}
	done := 0
	for _, h := range found {
		if h.num < 0 || h.num >= len(attachments) {
			return dst, all, fmt.Errorf("%w: %d attachments, %.60q", ErrPlaceholder, len(attachments), text[h.start:h.end])
		}
		dst = append(dst, text[done:h.start]...)
		dst = appendPlaceholder(dst, len(all))
		all = append(all, attachments[h.num])
		done = h.end
	}
	return append(dst, text[done:]...), all, nil
}
