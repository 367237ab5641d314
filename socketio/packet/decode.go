package packet

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Decode decodes the text of a packet. Data aliases text.
//
// It is as strict as socket.io-parser 4.2 and stricter where that one lets pass
// what no client sends: an Event and an Ack must have data, the number of
// attachments and the id are plain decimal numbers, and placeholders stand for
// attachments that will come. Announcing more than maxAttachments fails with
// [ErrAttachments]. A BinaryEvent or BinaryAck that announces none, as clients 1.x
// may send, is returned as the Event or Ack that it is.
//
// What a client of the other protocol may not send is for the caller to refuse:
// a Query belongs to protocol 4, data of Connect to protocol 5.
func Decode(text []byte, maxAttachments int) (Packet, error) {
	if len(text) == 0 || text[0] < '0' || text[0] > '0'+byte(BinaryAck) {
		return Packet{}, fmt.Errorf("%w: unknown type", ErrPacket)
	}
	p := Packet{Type: Type(text[0] - '0'), Namespace: "/"}
	rest := text[1:]
	var err error
	if p.Type.binary() {
		if rest, err = p.attachments(rest, maxAttachments); err != nil {
			return Packet{}, err
		}
	}
	if len(rest) > 0 && rest[0] == '/' {
		if rest, err = p.namespace(rest); err != nil {
			return Packet{}, err
		}
	}
	if rest, err = p.id(rest); err != nil {
		return Packet{}, err
	}
	if len(rest) > 0 {
		p.Data = bytes.TrimRight(rest, " \t\r\n")
	}
	if err = p.checkData(); err != nil {
		return Packet{}, fmt.Errorf("%w (%s)", err, p.Type)
	}
	return p, nil
}

// number reads the decimal number at the start of text; n is how long it is.
func number(text []byte, limit uint64) (v uint64, n int, ok bool) {
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		if v = v*10 + uint64(text[n]-'0'); v > limit {
			return 0, 0, false
		}
		n++
	}
	return v, n, true
}

// attachments reads "<number>-".
func (p *Packet) attachments(text []byte, limit int) (rest []byte, err error) {
	v, n, ok := number(text, uint64(max(limit, 0)))
	if !ok {
		return nil, fmt.Errorf("%w: allowed are %d", ErrAttachments, limit)
	}
	if n == 0 || n == len(text) || text[n] != '-' {
		return nil, fmt.Errorf("%w: number of attachments", ErrPacket)
	}
	if p.Attachments = int(v); v == 0 {
		p.Type -= BinaryEvent - Event
	}
	return text[n+1:], nil
}

// namespace reads "/<name>," or all of text if there is no comma.
func (p *Packet) namespace(text []byte) (rest []byte, err error) {
	name, rest, _ := bytes.Cut(text, []byte{','})
	if p.Type == Connect {
		var query []byte
		name, query, _ = bytes.Cut(name, []byte{'?'})
		if len(query) > MaxQuery {
			return nil, fmt.Errorf("%w: query of %d bytes", ErrPacket, len(query))
		}
		p.Query = string(query)
	}
	if len(name) > MaxNamespace {
		return nil, fmt.Errorf("%w: namespace of %d bytes", ErrPacket, len(name))
	}
	if !utf8.Valid(name) || !utf8.ValidString(p.Query) {
		return nil, fmt.Errorf("%w: namespace is not UTF-8", ErrPacket)
	}
	if len(name) > 1 {
		p.Namespace = string(name)
	}
	return rest, nil
}

// id reads the packet's id, if there is one.
func (p *Packet) id(text []byte) (rest []byte, err error) {
	v, n, ok := number(text, MaxID)
	if !ok {
		return nil, fmt.Errorf("%w: id is too large", ErrPacket)
	}
	p.ID, p.HasID = v, n > 0
	return text[n:], nil
}

// checkData checks that the packet's data is what its type asks for.
func (p *Packet) checkData() error {
	first := byte(0)
	if p.Data != nil {
		if len(p.Data) == 0 || !utf8.Valid(p.Data) || !validJSON(p.Data) {
			return ErrJSON
		}
		first = p.Data[0]
	}
	ok := false
	switch p.Type {
	case Connect:
		ok = first == 0 || first == '{'
	case Disconnect:
		ok = first == 0
	case ConnectError:
		ok = first == 0 || first == '{' || first == '"'
	default:
		ok = first == '['
	}
	if !ok {
		return fmt.Errorf("%w: data of the wrong kind", ErrPacket)
	}
	if p.Type == Event || p.Type == BinaryEvent {
		if err := checkEventName(p.Data); err != nil {
			return err
		}
	}
	if p.Attachments > 0 {
		return checkPlaceholders(p.Data, p.Attachments)
	}
	return nil
}

// checkEventName checks that the valid JSON array begins with a name that a
// client may send: a number or a string that is not reserved.
func checkEventName(array []byte) error {
	s := scanner{data: array, pos: 1}
	s.space()
	start := s.pos
	s.value()
	name := array[start:s.pos]
	if len(name) == 0 {
		return fmt.Errorf("%w: event without a name", ErrPacket)
	}
	if isNumber(name) {
		return nil
	}
	if name[0] != '"' {
		return fmt.Errorf("%w: event name is not a string", ErrPacket)
	}
	reserved := false
	if bytes.IndexByte(name, '\\') < 0 {
		reserved = Reserved(string(name[1 : len(name)-1])) // does not allocate
	} else if plain, err := unquote(name); err != nil {
		return err
	} else {
		reserved = Reserved(plain)
	}
	if reserved {
		return fmt.Errorf("%w: %.40s", ErrReservedEvent, name)
	}
	return nil
}
