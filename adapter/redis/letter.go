package redis

import (
	"encoding/binary"
	"errors"

	"github.com/damso/damso/adapter/members"
)

// A letter is what Damso nodes say to each other beside the Node.js adapters, on
// channels of their own:
//
//	PREFIX-damso#           to all
//	PREFIX-damso#<node>#    to one
//
// On the wire it is a byte that says what it is, the sender's id, 8 bytes of its
// instance, most significant first, and the body.
type letter struct {
	kind letterKind
	from members.Node // without its name
	body []byte       // a part of what was decoded
}

type letterKind byte

const (
	letterBeat    letterKind = 'b' // a sign of life; the body is the sender's name
	letterBye     letterKind = 'q' // the sender stops
	letterMessage letterKind = 'm' // a message of [adapter.Mesh]
)

// letterHead is how many bytes come before the body.
const letterHead = 1 + members.IDLen + 8

var errLetter = errors.New("not a letter")

// appendLetter appends a letter.
func appendLetter(dst []byte, kind letterKind, from members.Node, body []byte) []byte {
	dst = append(dst, byte(kind))
	dst = append(dst, from.ID...)
	dst = binary.BigEndian.AppendUint64(dst, from.Instance)
	return append(dst, body...)
}

// readLetter reads a letter.
func readLetter(b []byte) (letter, error) {
	if len(b) < letterHead {
		return letter{}, errLetter
	}
	l := letter{kind: letterKind(b[0]), body: b[letterHead:]}
	switch l.kind {
	case letterBeat, letterBye, letterMessage:
	default:
		return letter{}, errLetter
	}
	l.from.ID = string(b[1 : 1+members.IDLen])
	l.from.Instance = binary.BigEndian.Uint64(b[1+members.IDLen:])
	if !members.Valid(l.from.ID) {
		return letter{}, errLetter
	}
	return l, nil
}
