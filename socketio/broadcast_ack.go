package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// ErrOtherNodes is returned by what asks all nodes of a cluster when the others
// can't be asked. [Broadcast.Local] asks this one alone.
var ErrOtherNodes = errors.New("socketio: other nodes can't be asked")

// An Answer is one client's acknowledgement of a broadcast.
type Answer struct {
	Socket string // its id
	Args   Args
}

// A MissingError says that not all clients have acknowledged a broadcast.
type MissingError struct {
	Asked   int      // number of clients that were asked
	Sockets []string // ids of those that have not answered
	Err     error    // the context's, or ErrDisconnected if all of them have left
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("socketio: %d of %d clients did not answer: %v", len(e.Sockets), e.Asked, e.Err)
}

func (e *MissingError) Unwrap() error { return e.Err }

// EmitWithAck sends the event and waits for the acknowledgements of all receivers,
// which it returns in the order in which they came. It gives up when ctx ends, and
// stops waiting for clients that leave: what came is returned even then, and the
// error is a [MissingError] that tells who is missing. Let ctx have a deadline, as
// clients need not answer. Otherwise the error is as that of Emit.
//
// It asks this node only. With an adapter it returns [ErrOtherNodes] and sends
// nothing, unless the broadcast is Local.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	if err := b.alone(); err != nil {
		return nil, err
	}
	e, err := marshal(event, args)
	if err != nil {
		return nil, err
	}
	var asked []*question
	_ = b.each(func(b Broadcast) error {
		asked = append(asked, b.ns.ask(b, e))
		return nil
	})
	var answers []Answer
	var missing *MissingError
	for _, q := range asked {
		more, err := q.collect(ctx)
		answers, missing = append(answers, more...), missing.add(err)
	}
	if missing == nil {
		return answers, nil
	}
	missing.Asked = len(answers) + len(missing.Sockets)
	return answers, missing
}

// add adds what is missing in another namespace, if err is not nil.
func (e *MissingError) add(err *MissingError) *MissingError {
	if e == nil || err == nil {
		return cmp.Or(e, err)
	}
	e.Sockets = append(e.Sockets, err.Sockets...)
	if errors.Is(e.Err, ErrDisconnected) {
		e.Err = err.Err
	}
	return e
}

// alone returns ErrOtherNodes if b is for other nodes too.
func (b Broadcast) alone() error {
	if b.ns.server.opts.Adapter != nil && !b.local {
		return ErrOtherNodes
	}
	return nil
}

// EmitWithAck sends an event to all sockets of the namespace and waits for their
// acknowledgements, see [Broadcast.EmitWithAck].
func (ns *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	return ns.operator().EmitWithAck(ctx, event, args...)
}

// A question is an event on its way to many sockets that are to acknowledge it.
type question struct {
	id      uint64
	open    map[*Socket]struct{} // have not answered
	left    int                  // of those, have been disconnected
	answers chan answer          // has room for all
}

// ask sends e as a question to the sockets that b selects.
func (ns *Namespace) ask(b Broadcast, e adapter.Event) *question {
	q := &question{id: ns.lastAck.Add(1) - 1, open: map[*Socket]struct{}{}}
	m := ns.server.encodePacket(packet.Packet{
		Type: packet.Event, Namespace: ns.name, ID: q.id, HasID: true, Data: e.Data,
	}, e.Attachments)
	if b.flags.NoCompress {
		m.NoCompress()
	}
	sockets := ns.pose(q, b, m)
	ns.handlers.Load().sent(e, sockets...)
	return q
}

// pose sends m to the sockets that b selects, and returns them.
func (ns *Namespace) pose(q *question, b Broadcast, m *engineio.Message) (sockets []*Socket) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.members.each(b.rooms, b.except, func(s *Socket) { sockets = append(sockets, s) })
	q.answers = make(chan answer, len(sockets))
	send := ns.fanout.Send
	if b.flags.Volatile {
		send = ns.fanout.SendVolatile
	}
	for _, s := range sockets {
		s.expectAck(q.id, q.answers) // members are connected
		q.open[s] = struct{}{}
		send(s.conn.session, m)
	}
	ns.fanout.Flush()
	return sockets
}

// collect waits for the answers.
func (q *question) collect(ctx context.Context) (answers []Answer, missing *MissingError) {
	var err error
	take := func(a answer) {
		if a.err != nil {
			q.left++
			return
		}
		delete(q.open, a.socket)
		answers = append(answers, Answer{Socket: a.socket.id, Args: a.args})
	}
	for len(q.open) > q.left {
		select {
		case a := <-q.answers:
			take(a)
			continue
		case <-ctx.Done():
			err = ctx.Err()
		}
		for s := range q.open {
			s.forgetAck(q.id)
		}
		for len(q.answers) > 0 { // they came just before, and no more will
			take(<-q.answers)
		}
		break
	}
	return answers, q.missing(err)
}

// missing tells who has not answered, or returns nil.
func (q *question) missing(err error) *MissingError {
	if len(q.open) == 0 {
		return nil
	}
	if len(q.open) == q.left {
		err = ErrDisconnected
	}
	e := &MissingError{Err: err}
	for s := range q.open {
		e.Sockets = append(e.Sockets, s.id)
	}
	return e
}
