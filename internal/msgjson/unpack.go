package msgjson

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// What is wrong with a message.
var (
	ErrTruncated = errors.New("message is cut off")
	ErrKey       = errors.New("map key is neither a string nor an integer")
)

// An Unpacker turns the MessagePack of events into JSON. The zero value is ready; it
// keeps its buffer from one event to the next and is not safe for concurrent use.
type Unpacker struct {
	// Buffers asks for binary parts as JSON.stringify has a Buffer, and none beside it.
	Buffers bool

	out []byte
	bin [][]byte
}

// Unpack returns the first value in b as JSON, with binary parts beside it, and
// what follows it. The JSON is valid until the next call; the binary parts are
// parts of b. Nothing is allocated by a length that b merely claims, and the JSON
// is longer than b by a constant factor at most.
//
// What JSON lacks comes out as JSON.stringify has it: dates as ISO strings,
// undefined, NaN and the infinities as null. Unknown extensions are null too.
func (u *Unpacker) Unpack(b []byte) (json []byte, attachments [][]byte, rest []byte, err error) {
	u.out, u.bin = u.out[:0], nil
	rest, err = u.value(b, 0)
	return u.out, u.bin, rest, err
}

func (u *Unpacker) value(b []byte, depth int) (rest []byte, err error) {
	if depth > MaxDepth {
		return b, ErrDepth
	}
	switch msgp.NextType(b) {
	case msgp.StrType:
		var s []byte
		s, rest, err = msgp.ReadStringZC(b)
		if err == nil {
			u.out = AppendQuoted(u.out, s)
		}
	case msgp.BinType:
		var s []byte
		s, rest, err = msgp.ReadBytesZC(b)
		if err == nil {
			u.attach(s)
		}
	case msgp.MapType:
		rest, err = u.object(b, depth)
	case msgp.ArrayType:
		rest, err = u.array(b, depth)
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		u.out, rest, err = AppendNumber(u.out, b)
	case msgp.BoolType:
		var v bool
		v, rest, err = msgp.ReadBoolBytes(b)
		u.out = strconv.AppendBool(u.out, v)
	case msgp.NilType:
		u.out, rest = append(u.out, "null"...), b[1:]
	default:
		rest, err = u.extension(b)
	}
	return rest, err
}

func (u *Unpacker) array(b []byte, depth int) ([]byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return b, err
	}
	u.out = append(u.out, '[')
	for i := range n {
		if i > 0 {
			u.out = append(u.out, ',')
		}
		if b, err = u.value(b, depth+1); err != nil {
			return b, err
		}
	}
	u.out = append(u.out, ']')
	return b, nil
}

func (u *Unpacker) object(b []byte, depth int) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	u.out = append(u.out, '{')
	for first := true; n > 0; n-- {
		start := len(u.out)
		if !first {
			u.out = append(u.out, ',')
		}
		if b, err = u.key(b); err != nil {
			return b, err
		}
		u.out = append(u.out, ':')
		undefined := isUndefined(b)
		if b, err = u.value(b, depth+1); err != nil {
			return b, err
		}
		if undefined {
			u.out = u.out[:start]
			continue
		}
		first = false
	}
	u.out = append(u.out, '}')
	return b, nil
}

// isUndefined tells notepack.io 2's undefined. JSON leaves such a member out.
func isUndefined(b []byte) bool { return len(b) >= 2 && b[0] == 0xd4 && b[1] == extLegacy }

func (u *Unpacker) key(b []byte) (rest []byte, err error) {
	switch msgp.NextType(b) {
	case msgp.StrType:
		return u.value(b, 0)
	case msgp.IntType, msgp.UintType:
		u.out = append(u.out, '"')
		u.out, rest, err = AppendNumber(u.out, b)
		u.out = append(u.out, '"')
		return rest, err
	case msgp.InvalidType:
		return b, ErrTruncated
	}
	return b, ErrKey
}

func (u *Unpacker) attach(part []byte) {
	if u.Buffers {
		u.buffer(part)
		return
	}
	u.out = append(u.out, `{"_placeholder":true,"num":`...)
	u.out = strconv.AppendInt(u.out, int64(len(u.bin)), 10)
	u.out = append(u.out, '}')
	u.bin = append(u.bin, part[:len(part):len(part)])
}

func (u *Unpacker) buffer(part []byte) {
	u.out = append(u.out, `{"type":"Buffer","data":[`...)
	for i, b := range part {
		if i > 0 {
			u.out = append(u.out, ',')
		}
		u.out = strconv.AppendUint(u.out, uint64(b), 10)
	}
	u.out = append(u.out, "]}"...)
}

// The types of extensions that notepack.io writes, in any version.
const (
	extLegacy    = 0  // notepack.io 2: undefined, Date and ArrayBuffer, told apart by form
	extTimestamp = -1 // MessagePack's own
)

func (u *Unpacker) extension(b []byte) ([]byte, error) {
	typ, data, rest, err := readExtension(b)
	if err != nil {
		return b, err
	}
	switch {
	case typ == extTimestamp:
		u.out = appendTimestamp(u.out, data)
	case typ == extLegacy && b[0] == 0xd7: // a Date in fixext 8
		u.out = appendDate(u.out, float64(int64(binary.BigEndian.Uint64(data))))
	case typ == extLegacy && b[0] >= 0xc7 && b[0] <= 0xc9: // an ArrayBuffer in ext 8, 16 or 32
		u.attach(data)
	default: // undefined is fixext 1
		u.out = append(u.out, "null"...)
	}
	return rest, nil
}

// readExtension reads the extension at the start of b, in any of its eight forms.
func readExtension(b []byte) (typ int8, data, rest []byte, err error) {
	var n, head int // the lengths of the data and of what stands before it
	switch {
	case len(b) >= 2 && b[0] >= 0xd4 && b[0] <= 0xd8:
		n, head = 1<<(b[0]-0xd4), 2
	case len(b) >= 3 && b[0] == 0xc7:
		n, head = int(b[1]), 3
	case len(b) >= 4 && b[0] == 0xc8:
		n, head = int(binary.BigEndian.Uint16(b[1:])), 4
	case len(b) >= 6 && b[0] == 0xc9:
		n, head = int(binary.BigEndian.Uint32(b[1:])), 6
	default:
		return 0, nil, nil, ErrTruncated
	}
	if n < 0 || n > len(b)-head {
		return 0, nil, nil, ErrTruncated
	}
	return int8(b[head-1]), b[head : head+n], b[head+n:], nil
}

// AppendNumber appends the number at the start of b as JSON.
func AppendNumber(dst, b []byte) (out, rest []byte, err error) {
	switch msgp.NextType(b) {
	case msgp.IntType:
		i, rest, err := msgp.ReadInt64Bytes(b)
		return strconv.AppendInt(dst, i, 10), rest, err
	case msgp.UintType:
		i, rest, err := msgp.ReadUint64Bytes(b)
		return strconv.AppendUint(dst, i, 10), rest, err
	case msgp.Float32Type:
		f, rest, err := msgp.ReadFloat32Bytes(b)
		return appendFloat(dst, float64(f)), rest, err
	default:
		f, rest, err := msgp.ReadFloat64Bytes(b)
		return appendFloat(dst, f), rest, err
	}
}

// appendFloat appends f as JSON.stringify prints it.
func appendFloat(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	case f == 0:
		return append(dst, '0') // -0 too
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 is e-7 in JavaScript
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}
