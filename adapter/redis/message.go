package redis

import (
	"errors"
	"slices"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
	"github.com/damso/damso/internal/clusterwire"
)

// What sharded PUB/SUB and Streams have in common: their messages, and what they mean.

var errAnswer = errors.New("answer is to another question")

// message returns an operation as it is sent. With an id it is a question.
func (n *namespace) message(op *adapter.Operation, id string) *clusterwire.Message {
	return &clusterwire.Message{Type: clusterwire.TypeOf(op.Kind), UID: n.a.uid, Namespace: n.name, ID: id, Op: op}
}

// answerMessage returns an answer as it is sent.
func (n *namespace) answerMessage(to question, a *adapter.Answer) *clusterwire.Message {
	m := &clusterwire.Message{UID: n.a.uid, Namespace: n.name, ID: to.id, Answer: *a}
	switch {
	case to.kind == adapter.Fetch, to.kind == adapter.Rooms:
		m.Type = clusterwire.FetchResponse
	case to.kind == adapter.ServerSide:
		m.Type = clusterwire.ServerSideResponse
	case a.Ack:
		m.Type = clusterwire.ClientAck
	default:
		m.Type = clusterwire.ClientCount
	}
	return m
}

// question makes a question of i, and returns it as it is sent.
func (i item) question() (*clusterwire.Message, error) {
	id := newUID()
	if err := i.n.queries.Add(id, i.q); err != nil {
		return nil, err
	}
	if i.n.closed.Load() {
		return nil, adapter.ErrClosed
	}
	return i.n.message(i.op, id), nil
}

// hear does what a message says.
func (n *namespace) hear(m *clusterwire.Message) error {
	n.hearing.Lock()
	defer n.hearing.Unlock()
	switch {
	case m.Type.Response():
		return n.hearAnswer(m)
	case m.ID != "" && asksInCluster(m.Op):
		n.ask(m.Op, question{id: m.ID, from: m.UID})
	default:
		n.apply(m.Op)
	}
	return nil
}

// asksInCluster reports whether the messages have a place for answers to op.
func asksInCluster(op *adapter.Operation) bool {
	switch op.Kind {
	case adapter.Broadcast, adapter.ServerSide, adapter.Fetch, adapter.Rooms:
		return true
	}
	return false
}

// hearAnswer hands an answer to the question that it belongs to, if that still waits.
func (n *namespace) hearAnswer(m *clusterwire.Message) error {
	q := n.queries.Get(m.ID)
	if q == nil {
		return nil
	}
	a := m.Answer
	if len(m.UID) == members.IDLen { // servers of Node.js call themselves by 16 characters
		a.Node = m.UID
	}
	switch q.Op.Kind {
	case adapter.Fetch:
		if m.Type != clusterwire.FetchResponse {
			return errAnswer
		}
		a.Sockets = plain(a.Sockets, q.Op.Brief)
	case adapter.Rooms: // servers of Node.js answer with all sockets
		if m.Type != clusterwire.FetchResponse {
			return errAnswer
		}
		a.Rooms, a.Sockets = append(a.Rooms, roomsOf(a.Sockets)...), nil
	case adapter.ServerSide:
		if m.Type != clusterwire.ServerSideResponse {
			return errAnswer
		}
	case adapter.Broadcast:
		if m.Type != clusterwire.ClientCount && m.Type != clusterwire.ClientAck {
			return errAnswer
		}
	}
	n.a.counts.received.Add(1)
	q.Answer(a)
	return nil
}

// plain returns sockets as the seam has them, or their ids only. Those of Node.js have
// an empty object where others have no data.
func plain(sockets []adapter.Socket, brief bool) []adapter.Socket {
	for i, s := range sockets {
		switch {
		case brief:
			sockets[i] = adapter.Socket{ID: s.ID}
		case string(s.Data.Data) == "{}":
			sockets[i].Data = adapter.Event{}
		}
	}
	return sockets
}

// roomsOf returns the rooms that sockets are in.
func roomsOf(sockets []adapter.Socket) (rooms []string) {
	for _, s := range sockets {
		rooms = append(rooms, s.Rooms...)
	}
	slices.Sort(rooms)
	return slices.Compact(rooms)
}
