package clusterwire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// What follows walks over JSON that is known to be valid.

const space = " \t\r\n"

// validJSON returns b as valid UTF-8, if it is valid JSON. Bytes that are not UTF-8
// become U+FFFD, as Node.js reads them.
func validJSON(b []byte) ([]byte, bool) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return b, json.Valid(b)
}

// cutJSON returns the value at the start of b and what follows it.
func cutJSON(b []byte) (value, rest []byte) {
	n := 1
	switch b[0] {
	case '"':
		n = len(quoted(b))
	case '{', '[':
		for depth := 1; depth > 0; n++ {
			switch b[n] {
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			case '"':
				n += len(quoted(b[n:])) - 1
			}
		}
	default:
		if n = bytes.IndexAny(b, ",]}"+space); n < 0 {
			n = len(b)
		}
	}
	return b[:n], bytes.TrimLeft(b[n:], space)
}

// quoted returns the string at the start of b, with its quotes.
func quoted(b []byte) []byte {
	for n := 1; ; n++ {
		switch b[n] {
		case '"':
			return b[:n+1]
		case '\\':
			n++
		}
	}
}

// nextJSON goes to the next member of an array or object whose opening bracket or last
// member was just read. It returns false at the end.
func nextJSON(b []byte) ([]byte, bool) {
	b = bytes.TrimLeft(b, space)
	if b[0] == ',' {
		return bytes.TrimLeft(b[1:], space), true
	}
	return b, b[0] != ']' && b[0] != '}'
}

// unquote returns what a string stands for.
func unquote(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	var s string
	json.Unmarshal(b, &s) // it is valid
	return s
}

// floatJSON returns a number, false if b is something else.
func floatJSON(b []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}
