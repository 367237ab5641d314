package cluster

import (
	"context"
	"time"
)

// Leave has the nodes end their sessions whose connections are relayed here, so many in a
// second: what waits for the clients still reaches them, and they connect again, to other
// nodes. Drain comes before it. It returns when all were told, or ctx's error if that ends before.
func (n *Node) Leave(ctx context.Context, perSecond float64) error {
	interval := max(1, time.Duration(float64(time.Second)/max(perSecond, 1)))
	due := time.Now()
	for _, s := range n.relays() {
		if err := sleep(ctx, time.Until(due)); err != nil {
			return err
		}
		s.leave()
		due = due.Add(interval)
	}
	return nil
}

// AwaitLeft waits until the connections are gone that Leave was for. It returns ctx's
// error if that ends before.
func (n *Node) AwaitLeft(ctx context.Context) error {
	for len(n.relays()) > 0 {
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// relays returns the connections here of sessions elsewhere.
func (n *Node) relays() (list []*stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.streams {
		if s.session != "" {
			list = append(list, s)
		}
	}
	return list
}

// leave asks for the end of the session.
func (s *stream) leave() {
	r := s.record(kindLeave, 0)
	r.session = s.session
	s.peer.send(r)
}

// sleep returns ctx's error if that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
