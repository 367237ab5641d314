package engineio

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// A shard is the worker that owns a part of the node's sessions: it writes what
// waits for them, one session after the other and never blocking, and it keeps
// their time. Many messages for one session that come while it works leave in
// one write.
type shard struct {
	clock func() time.Duration // set once
	wake  chan struct{}        // set once; has room for one

	mu     sync.Mutex
	dirty  []*Session // have something to write; guarded by mu
	timers timerHeap  // of all open sessions; guarded by mu

	w     writer     // owned by run
	spare []*Session // dirty's other buffer; owned by run
	due   []*Session // owned by run

	in, out traffic
}

func newShard(clock func() time.Duration) *shard {
	return &shard{clock: clock, wake: make(chan struct{}, 1)}
}

// run works until ctx ends.
func (sh *shard) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		dirty, next := sh.next()
		for _, s := range sh.due {
			s.tick(sh.clock())
		}
		for i, s := range dirty {
			dirty[i] = nil
			s.flush(&sh.w)
		}
		sh.spare = dirty[:0]
		if len(dirty)+len(sh.due) > 0 {
			continue
		}
		timer.Reset(next)
		select {
		case <-sh.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// next returns the sessions to write to, leaves those whose time has come in
// sh.due, and says how long there is nothing to do if there are neither.
func (sh *shard) next() (dirty []*Session, wait time.Duration) {
	now := sh.clock()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	dirty, sh.dirty = sh.dirty, sh.spare
	clear(sh.due)
	sh.due = sh.due[:0]
	for len(sh.timers) > 0 && sh.timers[0].when <= now {
		sh.due = append(sh.due, heap.Pop(&sh.timers).(*Session))
	}
	if len(sh.timers) == 0 {
		return dirty, time.Hour
	}
	return dirty, sh.timers[0].when - now
}

// write asks for a flush of sessions, each marked as queued by the caller.
func (sh *shard) write(sessions ...*Session) {
	sh.mu.Lock()
	sh.dirty = append(sh.dirty, sessions...)
	sh.mu.Unlock()
	sh.signal()
}

func (sh *shard) signal() {
	select {
	case sh.wake <- struct{}{}:
	default: // it is awake, or will be
	}
}

// schedule makes s tick at when, or earlier if that was agreed before.
func (sh *shard) schedule(s *Session, when time.Duration) {
	sh.mu.Lock()
	first := len(sh.timers) == 0 || when < sh.timers[0].when
	switch i := s.timer - 1; {
	case i < 0:
		heap.Push(&sh.timers, timer{when, s})
	case when < sh.timers[i].when:
		sh.timers[i].when = when
		heap.Fix(&sh.timers, i)
	default:
		first = false
	}
	sh.mu.Unlock()
	if first {
		sh.signal()
	}
}

// forget stops the time of s.
func (sh *shard) forget(s *Session) {
	sh.mu.Lock()
	if i := s.timer - 1; i >= 0 {
		heap.Remove(&sh.timers, i)
	}
	sh.mu.Unlock()
}

// A timer says when a session wants to be asked what is due.
type timer struct {
	when time.Duration
	s    *Session
}

// A timerHeap has the earliest timer first; a session's timer is its index in
// it, plus one.
type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].when < h[j].when }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].s.timer, h[j].s.timer = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(timer)
	*h = append(*h, t)
	t.s.timer = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last].s
	(*h)[last] = timer{}
	*h = (*h)[:last]
	s.timer = 0
	return s
}
