package packet

import (
	"bytes"
	"fmt"
)

// A scanner walks over one JSON text, which must be UTF-8, and checks it against
// RFC 8259 on the way. It allocates nothing.
type scanner struct {
	data  []byte
	pos   int
	depth int
	// holders, if not nil, gets the placeholders on the way.
	holders *[]placeholder
}

// A placeholder is an object {"_placeholder":true,"num":n}, the place of the n-th
// attachment, at data[start:end]. num is -1 if n is not a plain whole number.
type placeholder struct {
	start, end int
	num        int
}

// validJSON reports whether text is one JSON value, with or without space around
// it, nested no deeper than MaxDepth.
func validJSON(text []byte) bool {
	s := scanner{data: text}
	s.space()
	if !s.value() {
		return false
	}
	s.space()
	return s.pos == len(text)
}

// findPlaceholders returns the placeholders in text, in their order. What a
// placeholder has inside besides its number counts for nothing.
func findPlaceholders(text []byte) ([]placeholder, error) {
	var found []placeholder
	s := scanner{data: text, holders: &found}
	s.space()
	if !s.value() {
		return nil, fmt.Errorf("%w: at byte %d", ErrJSON, s.pos)
	}
	return found, nil
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value, and the methods after it, pass one value and return false where it is
// broken.
func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '{':
		return s.object()
	case '[':
		return s.array()
	case '"':
		return s.string()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) string() bool {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c < ' ':
			return false
		case c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

// escape passes an escape sequence up to its last byte.
func (s *scanner) escape() bool {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.pos++
			if !isHex(s.peek()) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// enter and leave count the arrays and objects that the scanner is in.
func (s *scanner) enter() bool {
	s.pos++
	s.depth++
	s.space()
	return s.depth <= MaxDepth
}

func (s *scanner) leave() bool {
	s.pos++
	s.depth--
	return true
}

func (s *scanner) array() bool {
	if !s.enter() {
		return false
	}
	if s.peek() == ']' {
		return s.leave()
	}
	for s.value() {
		s.space()
		switch s.peek() {
		case ']':
			return s.leave()
		case ',':
			s.pos++
			s.space()
		default:
			return false
		}
	}
	return false
}

func (s *scanner) object() bool {
	start := s.pos
	var mark marks
	if s.holders != nil {
		mark.inner = len(*s.holders)
	}
	if !s.enter() {
		return false
	}
	if s.peek() == '}' {
		return s.leave()
	}
	for s.member(&mark) {
		s.space()
		switch s.peek() {
		case '}':
			s.leave()
			s.note(start, mark)
			return true
		case ',':
			s.pos++
			s.space()
		default:
			return false
		}
	}
	return false
}

// member passes "key": value and remembers in mark what a placeholder has.
func (s *scanner) member(mark *marks) bool {
	start := s.pos
	if s.peek() != '"' || !s.string() {
		return false
	}
	key := s.data[start:s.pos]
	s.space()
	if s.peek() != ':' {
		return false
	}
	s.pos++
	s.space()
	start = s.pos
	if !s.value() {
		return false
	}
	if s.holders != nil {
		mark.see(key, s.data[start:s.pos])
	}
	return true
}
