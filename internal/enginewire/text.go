package enginewire

import (
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Len returns how many UTF-16 code units s has; an invalid byte is one.
func utf16Len(s []byte) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		i += size
		n += utf16.RuneLen(r)
	}
	return n
}

// utf16Prefix returns how many bytes of s make up its first units UTF-16 code
// units. It is not ok if s is shorter or if that would cut a character in two.
func utf16Prefix(s []byte, units int) (n int, ok bool) {
	for units > 0 && n < len(s) {
		if s[n] < utf8.RuneSelf {
			n++
			units--
			continue
		}
		r, size := utf8.DecodeRune(s[n:])
		n += size
		units -= utf16.RuneLen(r)
	}
	return n, units == 0
}

const hexDigits = "0123456789abcdef"

// EscapeNonASCII appends the JSON text json to dst with every character beyond
// ASCII as \uXXXX, above U+FFFF as two of them. It means the same to every JSON
// parser. Clients 1.x decode the text of a payload as UTF-8 twice, 2.x once, and
// both say EIO=3: ASCII arrives whole at both.
func EscapeNonASCII(dst, json []byte) []byte {
	for i := 0; i < len(json); {
		if c := json[i]; c < utf8.RuneSelf {
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(json[i:])
		i += size
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			dst = appendEscape(dst, high)
			r = low
		}
		dst = appendEscape(dst, r)
	}
	return dst
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// UndoDoubleUTF8 undoes what clients 1.x do to the text of their polling
// payloads: they encode it as UTF-8 and the HTTP request does so once more. If all
// characters of s are at most U+00FF, and are valid UTF-8 with at least one
// character beyond ASCII when each is taken as a byte, then that is the text and
// was is true. Otherwise s is returned as it is.
//
// A 2.x client may send such text on purpose, if hardly ever: call it only for a
// client that is, or may be, a 1.x one. Surrogates without their other half, which
// 1.x clients write as three bytes, become U+FFFD as they do in any UTF-8 text.
func UndoDoubleUTF8(s []byte) (decoded []byte, was bool) {
	beyond := false
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf {
			continue
		}
		if s[i] != 0xc2 && s[i] != 0xc3 || i+1 == len(s) || s[i+1]&0xc0 != 0x80 {
			return s, false
		}
		beyond = true
		i++
	}
	if !beyond {
		return s, false
	}
	decoded = make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			i++
			c = c<<6 | s[i]&0x3f
		}
		decoded = append(decoded, c)
	}
	if decoded = replaceSurrogates(decoded); !utf8.Valid(decoded) {
		return s, false
	}
	return decoded, true
}

// replaceSurrogates writes U+FFFD, in place, over each three-byte encoding of a
// surrogate (ED A0 80 to ED BF BF), which 1.7 clients write for half a pair.
func replaceSurrogates(s []byte) []byte {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == 0xed && s[i+1]&0xe0 == 0xa0 && s[i+2]&0xc0 == 0x80 {
			copy(s[i:], "\uFFFD")
		}
	}
	return s
}
