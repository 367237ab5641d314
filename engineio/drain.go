package engineio

import (
	"context"
	"math/rand/v2"
	"time"
)

// maxInterval is the slowest pace of Drain and Thin: that of 0 and less in a second, too.
const maxInterval = time.Hour

// Drain refuses new sessions with status 503, as Shutdown does, and closes those there
// are, so many in a second, in no particular order and at uneven intervals: their clients
// connect again elsewhere, and not all at a time. It returns when all were told, or
// ctx's error when that ends before. AwaitEmpty and Shutdown then wait until they are gone.
func (s *Server) Drain(ctx context.Context, perSecond float64) error {
	s.mu.Lock()
	s.closing = true
	s.checkEmpty()
	s.mu.Unlock()
	_, err := s.Thin(ctx, s.Sessions(), perSecond)
	return err
}

// Thin closes n sessions at the pace of Drain, whichever, so that their clients connect
// again, to a node that has fewer. It returns how many it has closed, and ctx's error if
// that ended before it had closed all.
func (s *Server) Thin(ctx context.Context, n int, perSecond float64) (closed int, err error) {
	sessions := s.snapshot()
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	interval := int64(maxInterval)
	if perSecond > float64(time.Second)/float64(maxInterval) {
		interval = int64(float64(time.Second) / perSecond)
	}
	due := s.clock()
	for _, session := range sessions {
		if closed >= n {
			break
		}
		if err := s.sleepUntil(ctx, due); err != nil {
			return closed, err
		}
		if session.close(ForcedClose, closeTimeout) {
			closed++
			s.counters.sentAway.Add(1)
			due += time.Duration(rand.Int64N(2*interval + 1)) // interval on average
		}
	}
	return closed, nil
}

// sleepUntil waits for the time t. It returns ctx's error if that ends before.
func (s *Server) sleepUntil(ctx context.Context, t time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	wait := t - s.clock()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
