package socketio

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/damso/damso/adapter"
)

// An offset tells a client, which gives it back, how far it has come. On a single node
// it is a position: six bytes in base64, so that all have one length and an event can
// be encoded before its position is known. In a cluster it is a place: a position, a
// number in the log in the same form, and the name of the node.
type offset struct {
	adapter.Place
	// replayed says that the event came from the log: then the place is one that the
	// client was handed up to, but not one of the node's life.
	replayed bool
}

const (
	numberSize = 8
	replayed   = 1 << 47 // in the number of an offset's position
)

func (h *history) offsetSize() int {
	if h.node == "" {
		return numberSize
	}
	return 2*numberSize + len(h.node)
}

// putOffset writes the offset of a place of this node, if dst has room for it.
func (h *history) putOffset(dst []byte, at adapter.Place) {
	if len(dst) != h.offsetSize() {
		return
	}
	putNumber(dst, at.Own)
	if h.node != "" {
		putNumber(dst[numberSize:], at.Seen)
		copy(dst[2*numberSize:], at.Node)
	}
}

// putReplayed is putOffset for an event from the log.
func (h *history) putReplayed(dst []byte, at adapter.Place) {
	at.Own |= replayed
	h.putOffset(dst, at)
}

// parseOffset reads what putOffset has written, here or on another node.
func (h *history) parseOffset(s string) (at offset, ok bool) {
	if len(s) != h.offsetSize() {
		return at, false
	}
	if at.Own, ok = parseNumber(s[:numberSize]); !ok || h.node == "" {
		return at, ok
	}
	at.Own, at.replayed = at.Own&^replayed, at.Own&replayed != 0
	at.Seen, ok = parseNumber(s[numberSize : 2*numberSize])
	at.Node = s[2*numberSize:]
	return at, ok && strings.Trim(at.Node, letters) == ""
}

// letters are those of the names of nodes.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func putNumber(dst []byte, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	base64.RawURLEncoding.Encode(dst, b[2:])
}

func parseNumber(s string) (n uint64, ok bool) {
	var b [8]byte
	if _, err := base64.RawURLEncoding.Decode(b[2:], []byte(s)); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[:]), true
}
