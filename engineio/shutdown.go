package engineio

import (
	"context"
	"errors"
)

// Shutdown refuses new sessions with status 503, closes those there are once
// what waits for them is written, and returns when all are gone and their
// connections closed, in good order if their clients play along. If ctx ends before
// that, it drops the rest and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.checkEmpty()
	s.mu.Unlock()
	dropped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(dropped)
		s.drop()
	})
	for _, session := range s.snapshot() {
		session.Close()
	}
	<-s.empty
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	if !stop() {
		<-dropped
		return ctx.Err()
	}
	return nil
}

// AwaitEmpty waits until all are gone that Drain has told, and their connections closed, so
// that nobody needs the server any more. If ctx ends before that, it returns ctx's error.
func (s *Server) AwaitEmpty(ctx context.Context) error {
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close drops all sessions at once.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.drop()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// drop ends all sessions and connections at once.
func (s *Server) drop() {
	s.mu.Lock()
	s.closing, s.dropping = true, true
	lingering := s.lingering
	s.lingering = nil
	s.checkEmpty()
	s.mu.Unlock()
	for c := range lingering {
		c.link.close()
	}
	for _, session := range s.snapshot() {
		session.finish(ForcedClose, errServerShutdown)
	}
}

// start runs f on a goroutine that Shutdown waits for, unless that is over.
func (s *Server) start(f func()) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.stopped {
		s.wg.Go(f)
	}
	return !s.stopped
}

// Closing says whether Shutdown or Close was called.
func (s *Server) Closing() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closing
}

// Sessions returns the number of open sessions.
func (s *Server) Sessions() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sessions)
}

func (s *Server) snapshot() []*Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}

// add makes a session known, unless the server is closing.
func (s *Server) add(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.sessions[session.id] = session
		s.counters.add(session.kind()) // nobody else has it yet
	}
	return !s.closing
}

// remove forgets a session that has ended, but for its receiver, until told.
func (s *Server) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
	s.ending++
}

func (s *Server) told() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending--
	s.checkEmpty()
}

// linger says whether c may wait for its client's answer to a close frame, until
// gone.
func (s *Server) linger(c *wsConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropping {
		return false
	}
	if s.lingering == nil {
		s.lingering = map[*wsConn]struct{}{}
	}
	s.lingering[c] = struct{}{}
	return true
}

func (s *Server) gone(c *wsConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lingering, c)
	s.checkEmpty()
}

// checkEmpty tells Shutdown when nothing is left; mu is held.
func (s *Server) checkEmpty() {
	if !s.closing || len(s.sessions)+len(s.lingering)+s.ending > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}
