package redis

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// A session is MessagePack, an array of
//
//	[form, id, data, attachments, born, base, known, unlogged, stays]
//
// Places are [node, own, seen], unlogged is [node, own, 0], and a stay is
// [room, from, to]. The pid is in the name of its key.
const (
	sessionForm   = 1
	sessionFields = 9
)

func appendSession(dst []byte, s *adapter.Session) []byte {
	dst = msgp.AppendArrayHeader(dst, sessionFields)
	dst = msgp.AppendInt(dst, sessionForm)
	dst = msgp.AppendString(dst, s.ID)
	dst = msgp.AppendBytes(dst, s.Data.Data)
	dst = msgp.AppendArrayHeader(dst, uint32(len(s.Data.Attachments)))
	for _, a := range s.Data.Attachments {
		dst = msgp.AppendBytes(dst, a)
	}
	for _, p := range []adapter.Place{s.Born, s.Base, s.Known, {Node: s.Unlogged.Node, Own: s.Unlogged.Own}} {
		dst = appendPlace(dst, p)
	}
	dst = msgp.AppendArrayHeader(dst, uint32(len(s.Stays)))
	for _, stay := range s.Stays {
		dst = msgp.AppendString(msgp.AppendArrayHeader(dst, 3), stay.Room)
		dst = appendPlace(appendPlace(dst, stay.From), stay.To)
	}
	return dst
}

func appendPlace(dst []byte, p adapter.Place) []byte {
	dst = msgp.AppendString(msgp.AppendArrayHeader(dst, 3), p.Node)
	return msgp.AppendUint64(msgp.AppendUint64(dst, p.Own), p.Seen)
}

// decodeSession reads what appendSession has written. The attachments are parts of b.
func decodeSession(b []byte) (*adapter.Session, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n != sessionFields {
		return nil, errSession
	}
	form, b, err := msgp.ReadIntBytes(b)
	if err != nil || form != sessionForm {
		return nil, fmt.Errorf("%w: form %d", errSession, form)
	}
	s := &adapter.Session{}
	r := reader{b: b}
	s.ID = r.string()
	if data := r.bytes(); len(data) > 0 {
		s.Data.Data = append([]byte(nil), data...)
	}
	for range r.array() {
		s.Data.Attachments = append(s.Data.Attachments, r.bytes())
	}
	s.Born, s.Base, s.Known = r.place(), r.place(), r.place()
	unlogged := r.place()
	s.Unlogged = adapter.Logged{Node: unlogged.Node, Own: unlogged.Own}
	for range r.array() {
		r.fields(3)
		s.Stays = append(s.Stays, adapter.Stay{Room: r.string(), From: r.place(), To: r.place()})
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = errTrailing
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", errSession, r.err)
	}
	return s, nil
}

// A reader reads MessagePack until the first error.
type reader struct {
	b   []byte
	err error
}

// read reads one value with f.
func read[T any](r *reader, f func([]byte) (T, []byte, error)) (v T) {
	if r.err == nil {
		v, r.b, r.err = f(r.b)
	}
	return v
}

func (r *reader) string() string { return read(r, msgp.ReadStringBytes) }
func (r *reader) uint() uint64   { return read(r, msgp.ReadUint64Bytes) }
func (r *reader) bytes() []byte  { return read(r, msgp.ReadBytesZC) }

// array reads the number of elements of an array, each of which has at least a byte.
func (r *reader) array() int {
	n := int(read(r, msgp.ReadArrayHeaderBytes))
	if r.err == nil && n > len(r.b) {
		r.err = errShape
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) fields(n int) {
	if got := r.array(); r.err == nil && got != n {
		r.err = errShape
	}
}

func (r *reader) place() adapter.Place {
	r.fields(3)
	return adapter.Place{Node: r.string(), Own: r.uint(), Seen: r.uint()}
}
