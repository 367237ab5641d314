package redis

import (
	"encoding/json"
	"errors"

	"github.com/damso/damso/adapter"
)

// A Parser encodes what the adapter sends otherwise than as MessagePack: "parser" in
// the options of @socket.io/redis-adapter. All servers of a cluster have the same. It
// is used by several goroutines at a time.
type Parser interface {
	// Encode appends a value to dst: its JSON, with binary parts beside it as an
	// [adapter.Event] has them.
	Encode(dst []byte, value adapter.Event) ([]byte, error)

	// Decode is the opposite of Encode. The Data that it returns is valid JSON. It may
	// keep parts of b, and must not write to it.
	Decode(b []byte) (adapter.Event, error)
}

var errJSON = errors.New("not valid JSON")

// open returns what arrived, as MessagePack. With text, what starts with a brace is
// JSON. The result may have parts of b.
func (c *codec) open(b []byte, text bool) ([]byte, error) {
	if text && len(b) > 0 && b[0] == '{' {
		if !json.Valid(b) {
			return nil, errJSON
		}
		return c.packer.PackValue(nil, b, nil)
	}
	if c.parser == nil {
		return b, nil
	}
	value, err := c.parser.Decode(b)
	if err != nil {
		return nil, err
	}
	return c.packer.PackValue(nil, value.Data, value.Attachments)
}

// seal appends to dst what is sent for a message, which is MessagePack. With text it
// is JSON, unless it has binary parts and the servers understand both.
func (c *codec) seal(dst, message []byte, text bool) ([]byte, error) {
	if !text && c.parser == nil {
		return append(dst, message...), nil
	}
	c.unpacker.Buffers = text && c.onlyText
	value, attachments, _, err := c.unpacker.Unpack(message)
	c.unpacker.Buffers = false
	switch {
	case err != nil:
		return dst, err
	case text && len(attachments) == 0:
		return append(dst, value...), nil
	case c.parser == nil:
		return append(dst, message...), nil
	}
	return c.parser.Encode(dst, adapter.Event{Data: value, Attachments: attachments})
}
