package socketio

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// Raw is an argument that is passed on as it came. See [packet.Raw].
type Raw = packet.Raw

// ErrAcked is returned by a second acknowledgement of the same event.
var ErrAcked = errors.New("socketio: event was acknowledged already")

// An Event is what a client has sent.
type Event struct {
	Name string
	Args Args

	socket      *Socket
	id          uint64
	wantsAck    bool
	acked       atomic.Bool
	data        []byte // the array of name and arguments, until decode
	attachments [][]byte
}

// size is about what the event holds in memory.
func (e *Event) size() int {
	n := eventOverhead + len(e.data)
	for _, b := range e.attachments {
		n += len(b)
	}
	return n
}

// decode sets Name and Args.
func (e *Event) decode() error {
	name, args, err := packet.EventName(e.data)
	if err != nil {
		return fmt.Errorf("socketio: decode event: %w", err)
	}
	e.Name, e.Args = name, Args{raw: args, attachments: e.attachments}
	return nil
}

// WantsAck says whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.wantsAck }

// Ack answers the client. It may be called from any goroutine, also after the
// handler has returned. Without a client that waits for it, it does nothing. The
// error says that an argument can't be encoded, after which another Ack may be
// tried, or is [ErrAcked].
func (e *Event) Ack(args ...any) error {
	return e.answer(e.socket.conn.session.Send, args)
}

// AckNow is Ack for a handler that has nothing more to say, before it returns, as
// [OnAck] does it: if no other event of the client waits, the answer is written at
// once, instead of together with what else is sent by then.
func (e *Event) AckNow(args ...any) error {
	send := e.socket.conn.session.Send
	if e.wantsAck && e.socket.lastEvent() {
		send = e.socket.conn.session.SendNow
	}
	return e.answer(send, args)
}

func (e *Event) answer(send func(*engineio.Message), args []any) error {
	if !e.wantsAck {
		return nil
	}
	data, attachments, err := packet.MarshalArgs(args...)
	if err != nil {
		return fmt.Errorf("socketio: encode ack of %q: %w", e.Name, err)
	}
	if e.acked.Swap(true) {
		return ErrAcked
	}
	s := e.socket
	if s.Connected() {
		send(s.ns.server.encodePacket(packet.Packet{
			Type: packet.Ack, Namespace: s.ns.name, ID: e.id, HasID: true, Data: data,
		}, attachments))
	}
	return nil
}

// Args are the arguments of an event or an acknowledgement.
type Args struct {
	raw         [][]byte
	attachments [][]byte
}

// Len returns the number of arguments.
func (a Args) Len() int { return len(a.raw) }

// Decode decodes the arguments into what the pointers in v point to, by the rules
// of encoding/json; binary goes into []byte. Arguments that are missing leave
// their variable as it is, those that are too many are left out.
func (a Args) Decode(v ...any) error {
	for i, arg := range a.raw {
		if i == len(v) {
			break
		}
		if err := packet.Unmarshal(arg, a.attachments, v[i]); err != nil {
			return &ArgumentError{Index: i, Err: err}
		}
	}
	return nil
}

// Raw returns the i-th argument as it came.
func (a Args) Raw(i int) (Raw, error) {
	if i < 0 || i >= len(a.raw) {
		return Raw{}, &ArgumentError{Index: i, Err: errors.New("there is none")}
	}
	var r Raw
	if err := packet.Unmarshal(a.raw[i], a.attachments, &r); err != nil {
		return Raw{}, &ArgumentError{Index: i, Err: err}
	}
	return r, nil
}

// An ArgumentError says that an argument is not what a handler wants.
type ArgumentError struct {
	Index int // of the argument, from 0
	Err   error
}

func (e *ArgumentError) Error() string {
	return fmt.Sprintf("socketio: argument %d: %v", e.Index+1, e.Err)
}

func (e *ArgumentError) Unwrap() error { return e.Err }
