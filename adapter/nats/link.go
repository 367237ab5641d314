package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/damso/damso/adapter/members"
)

// patience is how long the server may take for an answer.
const patience = 2 * time.Second

// A link is one connection to NATS. It is given up when anything is wrong with it, so
// that no state of it can be stale.
type link struct {
	// Set by connect.
	a        *Adapter
	conn     *natsgo.Conn
	messages chan *natsgo.Msg // all that arrives, in order; has room for Options.MaxPending
	closed   chan struct{}    // closed with the connection
	refused  chan error       // has room for one: the server does not let us subscribe

	// Owned by write.
	subs map[space]*natsgo.Subscription

	// Guarded by mu.
	mu      sync.Mutex
	list    frame                        // the sign of life with the list of what is subscribed
	dropped map[*natsgo.Subscription]int // counted as lost
}

func (a *Adapter) connect() (*link, error) {
	l := &link{
		a: a, messages: make(chan *natsgo.Msg, a.opts.MaxPending),
		closed: make(chan struct{}), refused: make(chan error, 1),
		subs: map[space]*natsgo.Subscription{}, dropped: map[*natsgo.Subscription]int{},
	}
	options := []natsgo.Option{natsgo.Timeout(patience), natsgo.PingInterval(patience), natsgo.MaxPingsOutstanding(2)}
	options = append(options, a.opts.Connect...)
	options = append(options, natsgo.NoReconnect(), natsgo.RetryOnFailedConnect(false), natsgo.NoEcho(), natsgo.FlusherTimeout(2*patience),
		natsgo.ClosedHandler(func(*natsgo.Conn) { close(l.closed) }), natsgo.ErrorHandler(l.fault), callBack)
	var err error
	if l.conn, err = natsgo.Connect(a.url, options...); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return l, nil
}

// callBack lets the handlers be called whoever closes the connection.
func callBack(o *natsgo.Options) error {
	o.NoCallbacksAfterClientClose = false
	return nil
}

// fault is called by the connection's own goroutine, when something is wrong that does
// not end the connection.
func (l *link) fault(_ *natsgo.Conn, sub *natsgo.Subscription, err error) {
	if errors.Is(err, natsgo.ErrSlowConsumer) {
		l.countLost(sub)
		l.a.log.Warn("nats: messages arrive faster than this node takes them, some are lost", slog.Uint64("lost", l.a.counts.lost.Load()))
		return
	}
	select {
	case l.refused <- err:
	default:
	}
}

// countLost counts what was dropped since it was last called for sub.
func (l *link) countLost(sub *natsgo.Subscription) {
	if sub == nil {
		return
	}
	total, err := sub.Dropped()
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.a.counts.lost.Add(uint64(total - l.dropped[sub]))
	l.dropped[sub] = total
}

// run serves the connection until ctx ends or something is wrong. When it returns, the
// connection is closed.
func (l *link) run(ctx context.Context) error {
	defer func() {
		l.conn.Close()
		<-l.closed
	}()
	for _, subject := range []string{l.a.everybody(), l.a.inbox(l.a.self.ID)} {
		if _, err := l.conn.ChanSubscribe(subject, l.messages); err != nil {
			return fmt.Errorf("subscribe %q: %w", subject, err)
		}
	}
	if err := l.sync(); err != nil {
		return err
	}
	l.a.up(l.conn.MaxPayload())
	l.tell(l.a.everybody())
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		l.read(ctx)
	}()
	err := l.write(ctx)
	if ctx.Err() != nil {
		l.finish()
	}
	l.conn.Close()
	<-reading
	return err
}

// write publishes what waits until ctx or the connection ends.
func (l *link) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.closed:
			return l.end()
		case err := <-l.refused:
			return err
		case <-l.a.opened:
			if err := l.sync(); err != nil {
				return err
			}
			l.tell(l.a.everybody())
		case <-l.a.queue.wake:
			if err := l.drain(); err != nil {
				return err
			}
		}
	}
}

func (l *link) end() error {
	if err := l.conn.LastError(); err != nil {
		return err
	}
	return natsgo.ErrConnectionClosed
}

// drain publishes what waits.
func (l *link) drain() error {
	for _, i := range l.a.queue.take() {
		switch err := l.conn.Publish(i.subject, i.data); {
		case err == nil:
			l.a.counts.published.Add(1)
		case errors.Is(err, natsgo.ErrMaxPayload): // it has become less
			l.a.counts.dropped.Add(1)
			l.a.limit.Store(l.conn.MaxPayload())
		default:
			l.a.counts.dropped.Add(1)
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// finish sends what is left, and says goodbye.
func (l *link) finish() {
	if l.drain() == nil {
		l.publish(l.a.everybody(), &frame{kind: byeFrame})
		l.conn.FlushTimeout(time.Second) // the connection is closed either way
	}
}

// sync subscribes to the namespaces that are open, and to no others.
func (l *link) sync() error {
	open, version := l.a.all()
	wanted := make(map[space]bool, len(open))
	for _, n := range open {
		wanted[n.space] = true
		if l.subs[n.space] != nil {
			continue
		}
		sub, err := l.conn.ChanSubscribe(n.subject, l.messages)
		if err != nil {
			return fmt.Errorf("subscribe %q: %w", n.subject, err)
		}
		l.subs[n.space] = sub
	}
	for s, sub := range l.subs {
		if !wanted[s] {
			l.unsubscribe(s, sub)
		}
	}
	if err := l.conn.FlushTimeout(patience); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	l.subscribed(open, version)
	return nil
}

// subscribed notes that the server knows all subscriptions.
func (l *link) subscribed(open []*namespace, version uint64) {
	list := frame{kind: signFrame, from: l.a.self, version: version, listed: true}
	l.a.mu.Lock()
	for _, n := range open {
		n.subscribed = true
		list.spaces = append(list.spaces, n.space)
	}
	l.a.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = list
}

func (l *link) unsubscribe(s space, sub *natsgo.Subscription) {
	l.countLost(sub)
	delete(l.subs, s)
	sub.Unsubscribe() // fails when the connection is closed
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.dropped, sub)
}

// tell gives a sign of life with the list of the namespaces that are subscribed.
func (l *link) tell(subject string) {
	list := l.sign()
	l.publish(subject, &list)
}

func (l *link) sign() frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list
}

// publish sends a frame that does not wait behind others. An error of the connection
// ends it by itself.
func (l *link) publish(subject string, f *frame) {
	f.from = l.a.self
	if err := l.conn.Publish(subject, f.encode()); err != nil {
		l.a.log.Debug("nats: not published", slog.Any("error", err))
	}
}

// read works off what arrives and gives signs of life, until ctx or the connection ends.
func (l *link) read(ctx context.Context) {
	tick := time.NewTicker(members.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.closed:
			return
		case m := <-l.messages:
			l.take(m.Data)
		case now := <-tick.C:
			l.publish(l.a.everybody(), &frame{kind: signFrame, version: l.sign().version})
			l.expire(now)
		}
	}
}

// expire misses the nodes that are silent, if it is not the server that is: it must
// answer, behind all that it has sent before.
func (l *link) expire(now time.Time) {
	hearing := l.conn.FlushTimeout(members.Interval) == nil
	l.a.peers.setHearing(hearing, now)
	if hearing {
		l.change(l.a.peers.expire(now))
	}
}
