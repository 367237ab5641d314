package msgjson

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendQuoted appends s as a JSON string, as JSON.stringify escapes it. Bytes that
// are not UTF-8 become U+FFFD, and a lone surrogate in three bytes its \u escape.
func AppendQuoted[T string | []byte](dst []byte, text T) []byte {
	s := []byte(text)
	dst = append(dst, '"')
	if utf8.Valid(s) {
		dst = appendEscaped(dst, s)
	} else {
		dst = appendRepaired(dst, s)
	}
	return append(dst, '"')
}

// appendEscaped appends valid UTF-8.
func appendEscaped(dst, s []byte) []byte {
	start := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, s[start:]...)
}

// appendRepaired appends bytes that are not all UTF-8.
func appendRepaired(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r != utf8.RuneError || n > 1:
			dst = appendEscaped(dst, s[:n])
		case len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80:
			r, n = 0xd000|rune(s[1]&0x3f)<<6|rune(s[2]&0x3f), 3
			dst = append(dst, '\\', 'u', 'd', hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
		s = s[n:]
	}
	return dst
}

// appendTimestamp appends a MessagePack timestamp of 4, 8 or 12 bytes as
// Date.prototype.toJSON prints it. It counts as notepack.io does, in float64.
func appendTimestamp(dst, data []byte) []byte {
	switch len(data) {
	case 4:
		return appendDate(dst, float64(binary.BigEndian.Uint32(data))*1e3)
	case 8:
		v := binary.BigEndian.Uint64(data)
		return appendDate(dst, float64(v&(1<<34-1))*1e3+float64(v>>34)/1e6)
	case 12:
		ns, s := binary.BigEndian.Uint32(data), int64(binary.BigEndian.Uint64(data[4:]))
		return appendDate(dst, float64(s)*1e3+float64(ns)/1e6)
	}
	return append(dst, "null"...)
}

// maxDate is the last millisecond that a Date can hold, and its negative the first.
const maxDate = 8.64e15

// appendDate appends the date ms milliseconds after 1970 as a JSON string in
// JavaScript's ISO form, null if it is not one that a Date can hold.
func appendDate(dst []byte, ms float64) []byte {
	if math.IsNaN(ms) || math.Abs(ms) > maxDate {
		return append(dst, "null"...)
	}
	t := time.UnixMilli(int64(ms)).UTC()
	dst = append(dst, '"')
	switch y := t.Year(); {
	case y < 0:
		dst = appendPadded(append(dst, '-'), -y, 6)
	case y > 9999:
		dst = appendPadded(append(dst, '+'), y, 6)
	default:
		dst = appendPadded(dst, y, 4)
	}
	dst = t.AppendFormat(dst, "-01-02T15:04:05.000Z")
	return append(dst, '"')
}

func appendPadded(dst []byte, n, width int) []byte {
	var buf [8]byte
	digits := strconv.AppendInt(buf[:0], int64(n), 10)
	for range width - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
