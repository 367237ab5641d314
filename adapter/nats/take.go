package nats

import (
	"log/slog"
	"time"

	"github.com/damso/damso/adapter/members"
)

// take works off what has arrived. Called by read only.
func (l *link) take(data []byte) {
	l.a.counts.received.Add(1)
	f, err := decode(data)
	if err != nil {
		if l.a.counts.malformed.Add(1) == 1 {
			l.a.log.Warn("nats: something else publishes to our subjects, it is left out; said once", slog.Any("error", err))
		}
		return
	}
	if f.kind == byeFrame {
		l.change(l.a.peers.bye(f.from, time.Now()))
		return
	}
	l.change(l.a.peers.hear(f.from, time.Now()))
	switch f.kind {
	case signFrame:
		l.learn(f)
	case listFrame:
		l.tell(l.a.inbox(f.from.ID))
	case messageFrame:
		if l.a.receive != nil && l.a.peers.other(f.from.ID) {
			l.a.receive(f.from.ID, f.body)
		}
	default:
		l.namespaced(f)
	}
}

// namespaced works off what is for a namespace.
func (l *link) namespaced(f *frame) {
	n := l.a.open(f.space)
	if n == nil {
		return
	}
	switch f.kind {
	case publishFrame:
		n.local.Apply(f.op)
	case askFrame:
		n.answer(f)
	case answerFrame:
		if q := n.queries.Get(key(f.query)); q != nil {
			f.answer.Node = f.from.ID
			q.Answer(f.answer)
		}
	}
}

// learn takes a sign with its list.
func (l *link) learn(f *frame) {
	closed, unknown := l.a.peers.learn(f)
	for _, s := range closed {
		if n := l.a.open(s); n != nil {
			n.lose(f.from.ID)
		}
	}
	if unknown {
		l.publish(l.a.inbox(f.from.ID), &frame{kind: listFrame})
	}
}

// change tells of nodes that have come or gone. One that has come hears of this one.
func (l *link) change(changes []members.Change) {
	for _, c := range changes {
		if c.Alive {
			l.tell(l.a.inbox(c.Node.ID))
		} else {
			open, _ := l.a.all()
			for _, n := range open {
				n.lose(c.Node.ID)
			}
		}
		for _, f := range l.a.watch {
			f(c.Node.ID, c.Alive)
		}
	}
}
