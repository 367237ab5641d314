package redis

import (
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
	"github.com/damso/damso/internal/msgjson"
)

// Types of Socket.IO packets that carry an event.
const (
	packetEvent       = 2
	packetBinaryEvent = 5 // what socket.io 2 says of events with binary parts
)

// A codec encodes and decodes messages. It keeps buffers from one message to the
// next and is not safe for concurrent use.
type codec struct {
	parser Parser // nil for MessagePack

	packer   msgjson.Packer
	unpacker msgjson.Unpacker
	message  []byte // what is being encoded

	encoder clusterwire.Encoder
	decoder clusterwire.Decoder
}

// appendBroadcast appends op as uid's broadcast in the namespace nsp:
//
//	[uid, {type, data, nsp}, {rooms, except, flags}]
//
// The order of keys is that of the Node.js adapters. typ is a packet type. If ask is
// not "", it follows as a fourth element: servers with socket.io 2 or 4 do not look at it.
func (c *codec) appendBroadcast(dst []byte, uid, nsp string, typ int, op *adapter.Operation, ask string) ([]byte, error) {
	if c.parser == nil {
		return c.packBroadcast(dst, uid, nsp, typ, op, ask)
	}
	m, err := c.packBroadcast(c.message[:0], uid, nsp, typ, op, ask)
	if err != nil {
		return dst, err
	}
	c.message = m
	return c.seal(dst, m, packed)
}

func (c *codec) packBroadcast(dst []byte, uid, nsp string, typ int, op *adapter.Operation, ask string) ([]byte, error) {
	n := uint32(3)
	switch {
	case ask != "":
		n = 4
	case op.Logged.Own != 0:
		n = 5 // Redis adds the last one
	}
	dst = msgp.AppendArrayHeader(dst, n)
	dst = msgp.AppendString(dst, uid)
	dst, err := c.appendPacket(dst, nsp, typ, op.Event)
	if err != nil {
		return dst, err
	}
	switch {
	case ask == "" && op.Logged.Own != 0:
		return msgp.AppendUint64(appendOptions(dst, op, 0), op.Logged.Own), nil
	case ask == "":
		return appendOptions(dst, op, 0), nil
	}
	return msgp.AppendString(appendOptions(dst, op, op.Timeout), ask), nil
}

func (c *codec) appendPacket(dst []byte, nsp string, typ int, e adapter.Event) ([]byte, error) {
	dst = msgp.AppendMapHeader(dst, 3)
	dst = msgp.AppendInt(msgp.AppendString(dst, "type"), typ)
	dst, err := c.packer.Pack(msgp.AppendString(dst, "data"), e.Data, e.Attachments)
	if err != nil {
		return dst, err
	}
	return msgp.AppendString(msgp.AppendString(dst, "nsp"), nsp), nil
}

// appendOptions appends the options of a broadcast. A timeout of 0 is none.
func appendOptions(dst []byte, op *adapter.Operation, timeout time.Duration) []byte {
	dst = msgp.AppendMapHeader(dst, 3)
	dst = appendStrings(msgp.AppendString(dst, "rooms"), op.Rooms)
	dst = appendStrings(msgp.AppendString(dst, "except"), op.Except)
	return appendFlags(msgp.AppendString(dst, "flags"), op.Flags, timeout)
}

func appendStrings(dst []byte, list []string) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(len(list)))
	for _, s := range list {
		dst = msgp.AppendString(dst, s)
	}
	return dst
}

func appendFlags(dst []byte, f adapter.Flags, timeout time.Duration) []byte {
	m := appendMap(dst)
	if f.Volatile {
		m.bool("volatile", true)
	}
	if f.NoCompress {
		m.bool("compress", false)
	}
	if timeout > 0 {
		m.int("timeout", int(max(timeout.Milliseconds(), 1)))
	}
	return m.b
}

var (
	errTrailing = errors.New("bytes after the end of the message")
	errShape    = errors.New("not an array of uid, packet and options")
	errPacket   = errors.New("packet carries no event")
)

// decodeBroadcast reads a broadcast in the namespace nsp, and who is to be told what
// came of it, if anybody. It returns nil without an error for one that is uid's own or
// belongs to another namespace. The operation's attachments are parts of b; the rest
// of it is its own.
func (c *codec) decodeBroadcast(b []byte, uid, nsp string) (_ *adapter.Operation, to question, err error) {
	if b, err = c.open(b, false); err != nil {
		return nil, to, err
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n < 3 {
		return nil, to, errShape
	}
	if to.from, b, err = readSender(b); err != nil || to.from == uid {
		return nil, to, err
	}
	data, b, err := readPacket(b, nsp)
	if err != nil || data == nil {
		return nil, to, err
	}
	op := &adapter.Operation{Kind: adapter.Broadcast}
	if b, err = readOptions(b, op); err != nil {
		return nil, to, fmt.Errorf("options: %w", err)
	}
	switch {
	case n > 3 && msgp.NextType(b) == msgp.StrType:
		to.id, _, err = msgp.ReadStringBytes(b)
	case n > 4 && (msgp.NextType(b) == msgp.UintType || msgp.NextType(b) == msgp.IntType):
		op.Logged, _ = readLogged(b, to.from) // others may have something else there
	}
	for range n - 3 {
		if b, err = msgp.Skip(b); err != nil {
			return nil, to, err
		}
	}
	if err == nil && len(b) > 0 {
		err = errTrailing
	}
	if err == nil {
		op.Event, err = c.event(data)
	}
	to.kind, to.form = adapter.Broadcast, typeBroadcast
	return op, to, err
}

// readSender reads the uid of who sent a broadcast, "" if it is not a string.
func readSender(b []byte) (uid string, rest []byte, err error) {
	if msgp.NextType(b) == msgp.StrType {
		return msgp.ReadStringBytes(b)
	}
	rest, err = msgp.Skip(b)
	return "", rest, err
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
			op.Flags, op.Timeout, err = readFlags(v)
		}
		return err
	})
}

func readFlags(b []byte) (f adapter.Flags, timeout time.Duration, err error) {
	if msgp.IsNil(b) {
		return f, 0, nil
	}
	_, err = readMap(b, func(key, v []byte) error {
		switch string(key) {
		case "volatile":
			f.Volatile = isBool(v, true)
		case "compress":
			f.NoCompress = isBool(v, false)
		case "timeout":
			timeout = readMillis(v)
		}
		return nil
	})
	return f, timeout, err
}
