package packet

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Split returns the elements of the JSON array of an event or ack, as they stand
// there, without space around them. They alias array.
func Split(array []byte) ([][]byte, error) {
	s := scanner{data: array}
	s.space()
	if s.peek() != '[' || !s.enter() {
		return nil, fmt.Errorf("%w: not an array", ErrJSON)
	}
	if s.peek() == ']' {
		return nil, nil
	}
	elems := make([][]byte, 0, 4)
	for {
		start := s.pos
		if !s.value() {
			return nil, fmt.Errorf("%w: at byte %d", ErrJSON, s.pos)
		}
		elems = append(elems, array[start:s.pos:s.pos])
		s.space()
		switch s.peek() {
		case ']':
			return elems, nil
		case ',':
			s.pos++
			s.space()
		default:
			return nil, fmt.Errorf("%w: at byte %d", ErrJSON, s.pos)
		}
	}
}

// EventName splits the array of an event into its name and its raw arguments. A
// name that is a number, which the protocol allows, is returned as its text.
func EventName(array []byte) (name string, rest [][]byte, err error) {
	elems, err := Split(array)
	if err != nil {
		return "", nil, err
	}
	if len(elems) == 0 {
		return "", nil, fmt.Errorf("%w: event without a name", ErrPacket)
	}
	switch first := elems[0]; {
	case first[0] == '"':
		name, err = unquote(first)
	case isNumber(first):
		name = string(first)
	default:
		err = fmt.Errorf("%w: event name is not a string", ErrPacket)
	}
	if err != nil {
		return "", nil, err
	}
	return name, elems[1:], nil
}

// isNumber reports whether the JSON value is a number.
func isNumber(value []byte) bool {
	return value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

// unquote decodes a JSON string that the scanner has passed.
func unquote(quoted []byte) (string, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrJSON, err)
	}
	return s, nil
}
