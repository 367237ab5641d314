package redis

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/msgjson"
)

// Types of Socket.IO packets that carry an event.
const (
	packetEvent       = 2
	packetBinaryEvent = 5 // what socket.io 2 says of events with binary parts
)

// A codec encodes and decodes broadcasts. It keeps buffers from one message to the
// next and is not safe for concurrent use.
type codec struct {
	packer   msgjson.Packer
	unpacker msgjson.Unpacker
}

// appendBroadcast appends op as uid's broadcast in the namespace nsp:
//
//	[uid, {type, data, nsp}, {rooms, except, flags}]
//
// The order of keys is that of the Node.js adapters. typ is a packet type.
func (c *codec) appendBroadcast(dst []byte, uid, nsp string, typ int, op *adapter.Operation) ([]byte, error) {
	dst = msgp.AppendArrayHeader(dst, 3)
	dst = msgp.AppendString(dst, uid)

	dst = msgp.AppendMapHeader(dst, 3)
	dst = msgp.AppendString(dst, "type")
	dst = msgp.AppendInt(dst, typ)
	dst = msgp.AppendString(dst, "data")
	dst, err := c.packer.Pack(dst, op.Event.Data, op.Event.Attachments)
	if err != nil {
		return dst, err
	}
	dst = msgp.AppendString(dst, "nsp")
	dst = msgp.AppendString(dst, nsp)

	dst = msgp.AppendMapHeader(dst, 3)
	dst = appendStrings(msgp.AppendString(dst, "rooms"), op.Rooms)
	dst = appendStrings(msgp.AppendString(dst, "except"), op.Except)
	return appendFlags(msgp.AppendString(dst, "flags"), op.Flags), nil
}

func appendStrings(dst []byte, list []string) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(list)))
	for _, s := range list {
		dst = msgp.AppendString(dst, s)
	}
	return dst
}

func appendFlags(dst []byte, f adapter.Flags) []byte {
	n := uint32(0)
	if f.Volatile {
		n++
	}
	if f.NoCompress {
		n++
	}
	dst = msgp.AppendMapHeader(dst, n)
	if f.Volatile {
		dst = msgp.AppendBool(msgp.AppendString(dst, "volatile"), true)
	}
	if f.NoCompress {
		dst = msgp.AppendBool(msgp.AppendString(dst, "compress"), false)
	}
	return dst
}

var (
	errTrailing = errors.New("bytes after the end of the message")
	errShape    = errors.New("not an array of uid, packet and options")
	errPacket   = errors.New("packet carries no event")
)

// decodeBroadcast reads a broadcast in the namespace nsp. It returns nil without an
// error for one that is uid's own or belongs to another namespace. The operation's
// attachments are parts of b; the rest of it is its own.
func (c *codec) decodeBroadcast(b []byte, uid, nsp string) (*adapter.Operation, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n < 3 {
		return nil, errShape
	}
	if msgp.NextType(b) == msgp.StrType {
		from, _, err := msgp.ReadStringZC(b)
		if err == nil && string(from) == uid {
			return nil, nil
		}
	}
	if b, err = msgp.Skip(b); err != nil {
		return nil, err
	}
	data, b, err := readPacket(b, nsp)
	if err != nil || data == nil {
		return nil, err
	}
	op := &adapter.Operation{Kind: adapter.Broadcast}
	if b, err = readOptions(b, op); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	for range n - 3 {
		if b, err = msgp.Skip(b); err != nil {
			return nil, err
		}
	}
	if len(b) > 0 {
		return nil, errTrailing
	}
	op.Event, err = c.event(data)
	return op, err
}

// event transcodes the data of a packet.
func (c *codec) event(data []byte) (adapter.Event, error) {
	n, name, err := msgp.ReadArrayHeaderBytes(data)
	if err != nil || n == 0 || msgp.NextType(name) != msgp.StrType {
		return adapter.Event{}, errPacket
	}
	json, attachments, _, err := c.unpacker.Unpack(data)
	if err != nil {
		return adapter.Event{}, err
	}
	return adapter.Event{Data: append([]byte(nil), json...), Attachments: attachments}, nil
}

// readPacket returns the data of a packet that carries an event in the namespace
// nsp, nil if it belongs to another one. A packet that names none belongs to "/".
func readPacket(b []byte, nsp string) (data, rest []byte, err error) {
	typ, ours := 0, nsp == "/"
	rest, err = readMap(b, func(key, v []byte) (err error) {
		switch string(key) {
		case "type":
			typ, _, err = msgp.ReadIntBytes(v)
		case "data":
			data = v
		case "nsp":
			if !msgp.IsNil(v) {
				var of []byte
				of, _, err = msgp.ReadStringZC(v)
				ours = string(of) == nsp
			}
		}
		return err
	})
	switch {
	case err != nil:
		return nil, rest, fmt.Errorf("packet: %w", err)
	case !ours:
		return nil, rest, nil
	case typ != packetEvent && typ != packetBinaryEvent, data == nil:
		return nil, rest, errPacket
	}
	return data, rest, nil
}

// readOptions reads the options of a broadcast into op. All of them may be missing.
func readOptions(b []byte, op *adapter.Operation) ([]byte, error) {
	return readMap(b, func(key, v []byte) (err error) {
		switch string(key) {
		case "rooms":
			op.Rooms, err = readStrings(v)
		case "except":
			op.Except, err = readStrings(v)
		case "flags":
			op.Flags, err = readFlags(v)
		}
		return err
	})
}

func readFlags(b []byte) (f adapter.Flags, err error) {
	if msgp.IsNil(b) {
		return f, nil
	}
	_, err = readMap(b, func(key, v []byte) error {
		switch string(key) {
		case "volatile":
			f.Volatile = isBool(v, true)
		case "compress":
			f.NoCompress = isBool(v, false)
		}
		return nil
	})
	return f, err
}

func isBool(b []byte, want bool) bool {
	v, _, err := msgp.ReadBoolBytes(b)
	return err == nil && v == want
}

// readMap calls f for each key of a map with the encoded value, and returns what
// follows the map.
func readMap(b []byte, f func(key, value []byte) error) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	for range n {
		key, after, err := msgp.ReadStringZC(b)
		if err != nil {
			return b, err
		}
		rest, err := msgp.Skip(after)
		if err != nil {
			return b, err
		}
		if err := f(key, after[:len(after)-len(rest)]); err != nil {
			return b, err
		}
		b = rest
	}
	return b, nil
}

// readStrings reads an array of names; nil counts as an empty one.
func readStrings(b []byte) ([]string, error) {
	if msgp.IsNil(b) {
		return nil, nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n == 0 {
		return nil, err
	}
	list := make([]string, 0, min(int(n), len(b)))
	for range n {
		rest, err := msgp.Skip(b)
		if err != nil {
			return nil, err
		}
		s, err := readString(b[:len(b)-len(rest)])
		if err != nil {
			return nil, err
		}
		list, b = append(list, s), rest
	}
	return list, nil
}

// readString reads a name: a string, or a number, which JavaScript lets one use as
// the name of a room. So does null.
func readString(b []byte) (string, error) {
	switch msgp.NextType(b) {
	case msgp.StrType:
		s, _, err := msgp.ReadStringBytes(b)
		return s, err
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		text, _, err := msgjson.AppendNumber(nil, b)
		return string(text), err
	case msgp.NilType:
		return "null", nil
	}
	return "", errors.New("name is not a string")
}
