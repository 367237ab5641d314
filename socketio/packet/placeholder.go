package packet

import (
	"bytes"
	"fmt"
	"strconv"
)

// marks is what an object has shown so far of a placeholder. As for JSON.parse,
// the last of several equal keys counts.
type marks struct {
	set   bool   // "_placeholder" is true
	num   []byte // the value of "num", nil if there is none
	inner int    // how many placeholders there were before the object
}

// see takes note of the member key, in its quotes, with value.
func (m *marks) see(key, value []byte) {
	if bytes.IndexByte(key, '\\') >= 0 {
		plain, err := unquote(key)
		if err != nil {
			return
		}
		key = strconv.AppendQuote(nil, plain)
	}
	switch string(key) {
	case `"_placeholder"`:
		m.set = string(value) == "true"
	case `"num"`:
		m.num = value
	}
}

// index returns the attachment that the object stands for, or -1.
func (m *marks) index() int {
	if n, err := strconv.ParseUint(string(m.num), 10, 31); err == nil {
		return int(n)
	}
	return -1
}

// note records the object at start, which ends here, if it is a placeholder.
func (s *scanner) note(start int, m marks) {
	if s.holders == nil || !m.set {
		return
	}
	*s.holders = append((*s.holders)[:m.inner], placeholder{start, s.pos, m.index()})
}

// checkPlaceholders checks that all placeholders in text stand for one of n
// attachments.
func checkPlaceholders(text []byte, n int) error {
	found, err := findPlaceholders(text)
	if err != nil {
		return err
	}
	for _, h := range found {
		if h.num < 0 || h.num >= n {
			return fmt.Errorf("%w: %d attachments, %.60q", ErrPlaceholder, n, text[h.start:h.end])
		}
	}
	return nil
}

// appendPlaceholder appends the placeholder of attachment num.
func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}
