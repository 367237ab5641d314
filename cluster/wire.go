package cluster

import (
	"encoding/binary"
	"errors"
	"strings"
)

// A message between nodes is one byte, the version, and records after it. What a node
// can't read it drops: whoever waits for it finds out that nothing comes. To what has
// another version it answers with a message of its own version and no records, and
// that of any version is understood; see meetForeign.
const version = 1

// kind says what a record is. Which fields it has, says the table below.
type kind byte

const (
	kindPoll      kind = iota + 1 // a client's request: id, flags, session, encoding, before, body
	kindUpgrade                   // may the session be upgraded? id, flags, session
	kindReply                     // the answer to either: id, status or code, type, encoding, before, body
	kindCancel                    // nobody waits for the answer any more: id, session
	kindRelease                   // let the poll end soon: id, session
	kindAsk                       // is the answer still to come? id
	kindKnown                     // it is: id
	kindGone                      // it is not: id
	kindOpen                      // a connection begins: id, flags, session
	kindData                      // bytes of a connection: id, offset, body
	kindAgain                     // the body of the kindData before, on another connection: id, offset
	kindCredit                    // bytes that were taken from a connection: id, how many in all
	kindEnd                       // no more bytes come: id, how many there were
	kindReset                     // the connection is broken: id
	kindDelivered                 // the client has the answer: id, session
	kindPart                      // a part of the body of a kindPoll or kindReply to come: id, offset, body
	kindCount                     // how many sessions do you have? or: so many: id, flags, number
	kindLeave                     // the node of the connection stops, let its session end: id, session
	kinds
)

// Fields that a record may have besides its kind, flags, id and number.
const (
	hasSession = 1 << iota
	hasType
	hasEncoding
	hasBefore
	hasBody
)

var fields = [kinds]int{
	kindPoll:      hasSession | hasEncoding | hasBefore | hasBody,
	kindUpgrade:   hasSession,
	kindReply:     hasType | hasEncoding | hasBefore | hasBody,
	kindCancel:    hasSession,
	kindRelease:   hasSession,
	kindOpen:      hasSession,
	kindDelivered: hasSession,
	kindLeave:     hasSession,
	kindData:      hasBody,
	kindPart:      hasBody,
}

// Flags of records.
const (
	flagPost         = 1 << iota  // kindPoll
	flagBinary                    // kindPoll
	flagProtocol4                 // kindPoll, kindUpgrade, kindOpen
	flagBase64                    // kindOpen
	flagDeflate                   // kindOpen
	flagWebTransport              // kindUpgrade, kindOpen
	flagRefused                   // kindReply: number is a code, body the message
	flagOpener                    // kindData and after: sent by the node that has begun the request or connection
	flagMessages     = flagPost   // kindReply: kindDelivered is to follow
	flagLost         = flagPost   // kindCancel: the session ends
	flagPolled       = flagBinary // kindCancel: the session ends if the answer has messages
	flagAsk          = flagPost   // kindCount: a question; kindCredit: how far is the stream?
	flagLeaving      = flagBinary // kindCount: an answer of a node that takes no new sessions
)

// A record is one thing that a node says to another. body belongs to the message that it
// came in, and must not be changed.
type record struct {
	kind     kind
	flags    byte
	id       uint64 // of the request or connection; chosen by the node that has begun it
	number   uint64
	session  string
	typ      string
	encoding string
	before   uint64 // bytes of the body that came as parts
	body     []byte
}

// Limits of fields, so that a bad message costs no more than its length.
const (
	maxSession = 64
	maxName    = 128
)

var errRecord = errors.New("cluster: malformed message of another node")

// append appends r to b.
func (r *record) append(b []byte) []byte {
	b = append(b, byte(r.kind), r.flags)
	b = binary.AppendUvarint(b, r.id)
	b = binary.AppendUvarint(b, r.number)
	f := fields[r.kind]
	for _, s := range [...]struct {
		has   int
		value string
	}{{hasSession, r.session}, {hasType, r.typ}, {hasEncoding, r.encoding}} {
		if f&s.has != 0 {
			b = append(binary.AppendUvarint(b, uint64(len(s.value))), s.value...)
		}
	}
	if f&hasBefore != 0 {
		b = binary.AppendUvarint(b, r.before)
	}
	if f&hasBody != 0 {
		b = append(binary.AppendUvarint(b, uint64(len(r.body))), r.body...)
	}
	return b
}

// message returns a message of records.
func message(records ...record) []byte {
	n := 1
	for _, r := range records {
		n += 24 + len(r.session) + len(r.typ) + len(r.encoding) + len(r.body)
	}
	b := append(make([]byte, 0, n), version)
	for _, r := range records {
		b = r.append(b)
	}
	return b
}

// decode calls f with each record of a message, until one is malformed.
func decode(message []byte, f func(record)) error {
	if len(message) == 0 || message[0] != version {
		return errRecord
	}
	d := decoder{rest: message[1:]}
	var last []byte // of kindData
	for len(d.rest) > 0 {
		r := d.record()
		if d.bad {
			return errRecord
		}
		switch r.kind {
		case kindData:
			last = r.body
		case kindAgain:
			if last == nil {
				return errRecord
			}
			r.kind, r.body = kindData, last
		}
		f(r)
	}
	return nil
}

// A decoder takes records from the beginning of rest.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) record() record {
	if len(d.rest) < 2 || d.rest[0] == 0 || kind(d.rest[0]) >= kinds {
		d.bad = true
		return record{}
	}
	r := record{kind: kind(d.rest[0]), flags: d.rest[1]}
	d.rest = d.rest[2:]
	r.id, r.number = d.uvarint(), d.uvarint()
	if r.kind == kindReply && r.flags&flagRefused == 0 && (r.number < 200 || r.number > 599) {
		d.bad = true // it becomes the status of an answer
	}
	f := fields[r.kind]
	if f&hasSession != 0 {
		r.session = string(d.bytes(maxSession))
	}
	if f&hasType != 0 {
		r.typ = d.name()
	}
	if f&hasEncoding != 0 {
		r.encoding = d.name()
	}
	if f&hasBefore != 0 {
		r.before = d.uvarint()
	}
	if f&hasBody != 0 {
		r.body = d.bytes(len(d.rest))
	}
	return r
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad, n = true, 0
	}
	d.rest = d.rest[n:]
	return v
}

// name is a field that becomes the value of an HTTP header.
func (d *decoder) name() string {
	s := string(d.bytes(maxName))
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		d.bad = true
	}
	return s
}

func (d *decoder) bytes(limit int) []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) || n > uint64(limit) {
		d.bad = true
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
