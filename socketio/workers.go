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
	sockets chan *Socket // to a worker that waits; nil ends it
	idle    atomic.Int32 // about how many wait
	closed  atomic.Bool

	// Not a WaitGroup: a socket that ends may want a goroutine while wait waits for
	// the last one.
	mu      sync.Mutex
	running int           // goroutines; guarded by mu
	none    chan struct{} // closed when running is zero; guarded by mu
}

func newWorkers() *workers { return &workers{sockets: make(chan *Socket)} }

// run runs s on a worker.
func (w *workers) run(s *Socket) {
	select {
	case w.sockets <- s:
	default:
		w.start(func() { w.work(s) })
	}
}

// start runs f on a goroutine of its own, for which wait waits.
func (w *workers) start(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running++; w.running == 1 {
		w.none = make(chan struct{})
	}
	go func() {
		defer w.done()
		f()
	}()
}

func (w *workers) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running--; w.running == 0 {
		close(w.none)
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
	for {
		w.mu.Lock()
		running, none := w.running, w.none
		w.mu.Unlock()
		if running == 0 {
			return
		}
		select {
		case w.sockets <- nil:
		case <-none:
		}
	}
}
