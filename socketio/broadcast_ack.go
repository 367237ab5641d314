package socketio

import (
	"context"
	"sync"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// An Answer is one client's acknowledgement of a broadcast, or one node's answer to a
// server-side event.
type Answer struct {
	Node   string // id of the node, if it is another one and has said it
	Socket string // id of the client; "" for that of a Node.js server, and for a node's answer
	Args   Args
	Err    error // why a node could not answer with a value
}

// EmitWithAck sends the event and waits for the acknowledgements of all receivers,
// which it returns in the order in which they came. It gives up when ctx ends, and
// stops waiting for clients that leave: what came is returned even then, and the
// error is a [MissingError] that tells who is missing. Let ctx have a deadline, as
// clients need not answer. Otherwise the error is as that of Emit.
//
// With an adapter it asks the clients of all nodes. Those of other nodes have a minute
// if ctx has no deadline. A client of a Node.js server, and of this one if a Node.js
// server asks, answers with its first argument only: their adapters carry no more.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) (answers []Answer, err error) {
	e, err := marshal(event, args)
	if err != nil {
		return nil, err
	}
	var all []*question
	_ = b.each(func(b Broadcast) error {
		all = append(all, b.ns.ask(ctx, b, e))
		return nil
	})
	var missing *MissingError
	asked := 0
	for _, q := range all {
		missing = missing.add(q.collect(ctx, q.take)).add(q.others.wait(ctx))
		answers, asked = append(answers, q.came...), asked+q.asked
	}
	if missing != nil {
		missing.Asked = asked
	}
	return answers, missing.orNil()
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
	others  survey

	mu    sync.Mutex
	asked int      // clients
	came  []Answer // from here and from other nodes; nobody writes after others.wait
}

// ask sends e as a question to the sockets that b selects.
func (ns *Namespace) ask(ctx context.Context, b Broadcast, e adapter.Event) *question {
	q := &question{id: ns.lastAck.Add(1) - 1, open: map[*Socket]struct{}{}}
	m := ns.server.encodePacket(packet.Packet{
		Type: packet.Event, Namespace: ns.name, ID: q.id, HasID: true, Data: e.Data,
	}, e.Attachments)
	if b.flags.NoCompress {
		m.NoCompress()
	}
	sockets := ns.pose(ctx, q, b, e, m)
	ns.handlers.Load().sent(e, sockets...)
	return q
}

// pose sends m to the sockets that b selects, which it returns, and e to those of the
// other nodes.
func (ns *Namespace) pose(ctx context.Context, q *question, b Broadcast, e adapter.Event, m *engineio.Message) (sockets []*Socket) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.members.each(b.rooms, b.except, func(s *Socket) { sockets = append(sockets, s) })
	q.answers, q.asked = make(chan answer, len(sockets)), len(sockets)
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
	op := &adapter.Operation{Kind: adapter.Broadcast, Rooms: b.rooms, Except: b.except, Flags: b.flags, Event: e}
	q.others = ns.askOthers(ctx, op, b.local, q.hear)
	return sockets
}

// take takes the answer of a client of this node.
func (q *question) take(a answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.came = append(q.came, Answer{Socket: a.socket.id, Args: a.args})
}

// hear takes what another node says.
func (q *question) hear(a adapter.Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !a.Ack {
		q.asked += a.Count
		return
	}
	q.came = append(q.came, Answer{Node: a.Node, Socket: a.Socket, Args: arguments(a.Value)})
}

// collect waits for the answers of the clients of this node and hands them to take.
// It returns who is missing, or nil.
func (q *question) collect(ctx context.Context, take func(answer)) *MissingError {
	var err error
	note := func(a answer) {
		if a.err != nil {
			q.left++
			return
		}
		delete(q.open, a.socket)
		take(a)
	}
	for len(q.open) > q.left {
		select {
		case a := <-q.answers:
			note(a)
			continue
		case <-ctx.Done():
			err = ctx.Err()
		}
		for s := range q.open {
			s.forgetAck(q.id)
		}
		for len(q.answers) > 0 { // they came just before, and no more will
			note(<-q.answers)
		}
		break
	}
	return q.missing(err)
}

// missing tells who of this node has not answered, or returns nil.
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
