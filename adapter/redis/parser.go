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

// open returns what arrived, as MessagePack. With either, it is JSON if it starts with
// a brace. The result may have parts of b.
func (c *codec) open(b []byte, either bool) ([]byte, error) {
	if either && len(b) > 0 && b[0] == '{' {
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

// A form is how a message is sent.
type form uint8

const (
	packed form = iota // by the parser
	mixed              // as JSON, but by the parser if it has binary parts
	text               // as JSON, with binary parts as JSON.stringify has a Buffer
)

// seal appends to dst what is sent for a message, which is MessagePack.
func (c *codec) seal(dst, message []byte, as form) ([]byte, error) {
	if as == packed && c.parser == nil {
		return append(dst, message...), nil
	}
	c.unpacker.Buffers = as == text
	value, attachments, _, err := c.unpacker.Unpack(message)
	c.unpacker.Buffers = false
	switch {
	case err != nil:
		return dst, err
	case as != packed && len(attachments) == 0:
		return append(dst, value...), nil
	case c.parser == nil:
		return append(dst, message...), nil
	}
	return c.parser.Encode(dst, adapter.Event{Data: value, Attachments: attachments})
}
