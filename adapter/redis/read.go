package redis

import (
	"errors"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/internal/msgjson"
)

// readMillis reads a number of milliseconds, 0 if it is none that a timer can have.
func readMillis(b []byte) time.Duration {
	ms, err := readNumber(b)
	if err != nil || !(ms > 0 && ms < 1<<31) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// readNumber reads a number of any type.
func readNumber(b []byte) (float64, error) {
	switch msgp.NextType(b) {
	case msgp.IntType:
		n, _, err := msgp.ReadInt64Bytes(b)
		return float64(n), err
	case msgp.UintType:
		n, _, err := msgp.ReadUint64Bytes(b)
		return float64(n), err
	case msgp.Float64Type:
		n, _, err := msgp.ReadFloat64Bytes(b)
		return n, err
	case msgp.Float32Type:
		n, _, err := msgp.ReadFloat32Bytes(b)
		return float64(n), err
	}
	return 0, errors.New("not a number")
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
