package msgjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// str reads a string, with the opening quote at p.pos.
func (p *Packer) str() error {
	p.pos++
	rest := p.in[p.pos:]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		return ErrJSON
	}
	if bytes.IndexByte(rest[:n], '\\') < 0 {
		p.out = msgp.AppendStringFromBytes(p.out, rest[:n])
		p.pos += n + 1
		return nil
	}
	if err := p.unescape(); err != nil {
		return err
	}
	p.out = msgp.AppendStringFromBytes(p.out, p.scratch)
	return nil
}

// unescape reads the rest of a string into p.scratch.
func (p *Packer) unescape() error {
	s := p.scratch[:0]
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		p.pos++
		switch c {
		case '"':
			p.scratch = s
			return nil
		case '\\':
			var ok bool
			if s, ok = p.escape(s); !ok {
				return ErrJSON
			}
		default:
			s = append(s, c)
		}
	}
	return ErrJSON
}

// escape appends what an escape stands for, with p.pos after its backslash.
func (p *Packer) escape(s []byte) ([]byte, bool) {
	if p.pos >= len(p.in) {
		return s, false
	}
	c := p.in[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return append(s, c), true
	case 'b':
		return append(s, '\b'), true
	case 'f':
		return append(s, '\f'), true
	case 'n':
		return append(s, '\n'), true
	case 'r':
		return append(s, '\r'), true
	case 't':
		return append(s, '\t'), true
	case 'u':
		return p.unicode(s)
	}
	return s, false
}

// unicode appends the character of a \uXXXX escape, with p.pos at the digits. Two
// surrogates become one character. A lone surrogate is kept as three bytes of its
// own (WTF-8): another Damso node gives it back, Node.js reads U+FFFD.
func (p *Packer) unicode(s []byte) ([]byte, bool) {
	r, ok := p.hex4(p.pos)
	if !ok {
		return s, false
	}
	p.pos += 4
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(s, r), true
	}
	if p.pos+1 < len(p.in) && p.in[p.pos] == '\\' && p.in[p.pos+1] == 'u' {
		if low, ok := p.hex4(p.pos + 2); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				p.pos += 6
				return utf8.AppendRune(s, both), true
			}
		}
	}
	return append(s, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f), true
}

func (p *Packer) hex4(at int) (rune, bool) {
	if at+4 > len(p.in) {
		return 0, false
	}
	var r rune
	for _, c := range p.in[at : at+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
