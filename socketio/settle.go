package socketio

import (
	"context"
	"time"
)

// settlingTime is how long after its start a server lets clients wait for its adapter. A
// load balancer may send it clients at once; before the other nodes can be reached, they
// could not be recovered, and would neither hear others nor be heard. When it is
// over the server serves them alone, as it does whenever the others can't be reached.
const settlingTime = 5 * time.Second

// lookAgain is how often the adapter is asked meanwhile.
const lookAgain = 10 * time.Millisecond

// settle waits until the adapter is ready for the first time. It gives up when ctx ends,
// which it does at the latest when the adapter stops.
func (s *Server) settle(ctx context.Context) {
	defer close(s.settled)
	ctx, cancel := context.WithTimeout(ctx, settlingTime)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for s.opts.Adapter.Ready() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// awaitSettled lets a client wait that comes before the adapter was ready, unless it
// leaves.
func (s *Socket) awaitSettled() {
	settled := s.ns.server.settled
	select {
	case <-settled:
		return
	default:
	}
	select {
	case <-settled:
	case <-s.Context().Done():
	}
}
