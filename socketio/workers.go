package socketio

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers are the goroutines that run handlers. One that has nothing to do waits
// for the next socket, if not too many wait already: its stack has grown to what
// handlers need, and growing is dear compared with a small event.
type workers struct {
	wg      sync.WaitGroup
	sockets chan *Socket // to a worker that waits; nil ends it
	idle    atomic.Int32 // about how many wait
	closed  atomic.Bool
}

func newWorkers() *workers { return &workers{sockets: make(chan *Socket)} }

// run runs s on a worker.
func (w *workers) run(s *Socket) {
	select {
	case w.sockets <- s:
	default:
		w.wg.Go(func() { w.work(s) })
	}
}

func (w *workers) work(s *Socket) {
	limit := int32(32 * runtime.GOMAXPROCS(0))
	for s != nil {
		s.run()
		if w.idle.Add(1) > limit || w.closed.Load() {
			w.idle.Add(-1)
			return
		}
		s = <-w.sockets
		w.idle.Add(-1)
	}
}

// wait waits until all sockets have been run, and ends the workers.
func (w *workers) wait() {
	w.closed.Store(true)
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	for {
		select {
		case w.sockets <- nil:
		case <-done:
			return
		}
	}
}
