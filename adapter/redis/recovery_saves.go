package redis

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// Keep implements [adapter.Kept].
func (k *kept) Keep(pid string, s adapter.Source) { k.a.saves.put(saving{k, pid}, s) }

// End implements [adapter.Kept].
func (k *kept) End(pid string) { k.a.saves.put(saving{k, pid}, nil) }

// Saves are the sessions that are to be written, each once: there are at most as many
// as clients. While Redis is away they wait.
type saves struct {
	wake chan struct{} // has room for one: there is something to write

	mu      sync.Mutex
	waiting map[saving]adapter.Source // nil for one that is to be ended; guarded by mu
}

// A saving is a session to be written.
type saving struct {
	k   *kept
	pid string
}

func newSaves() *saves {
	return &saves{wake: make(chan struct{}, 1), waiting: map[saving]adapter.Source{}}
}

// put lets a session be written. What has ended stays so.
func (s *saves) put(at saving, source adapter.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.waiting[at]; ok && before == nil {
		return
	}
	s.waiting[at] = source
	s.signal()
}

// take takes one out.
func (s *saves) take(at saving) (source adapter.Source, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source, ok = s.waiting[at]
	delete(s.waiting, at)
	return source, ok
}

// some takes some out, at most n.
func (s *saves) some(n int) map[saving]adapter.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := make(map[saving]adapter.Source, min(n, len(s.waiting)))
	for at, source := range s.waiting {
		if len(taken) == n {
			break
		}
		taken[at] = source
		delete(s.waiting, at)
	}
	return taken
}

// save writes the sessions that wait.
func (l *link) save() error {
	for {
		sessions := l.a.saves.some(maxBatch / 2)
		if len(sessions) == 0 {
			return nil
		}
		l.tx.reset()
		for at, source := range sessions {
			at.k.save(&l.tx, at.pid, source)
		}
		if err := cmp.Or(l.tx.send(), l.tx.unsaved); err != nil {
			return fmt.Errorf("save a session: %w", err)
		}
	}
}

// maxSession is how large a session may be that is kept.
const maxSession = 1 << 20

// save adds the writing of a session, or of its end if source is nil. One that can't be
// sent waits again.
func (k *kept) save(b *batch, pid string, source adapter.Source) {
	text, life := "", k.keep.Life
	if source != nil {
		s := source.Session()
		if s == nil {
			return
		}
		if text, life = string(appendSession(nil, s)), s.Keep; len(text) > maxSession {
			k.a.log.Warn("redis: a session is too large to be kept", slog.String("namespace", k.name), slog.Int("bytes", len(text)))
			return
		}
	}
	b.run(saveScript, []string{k.session(pid)}, []string{k.a.uid, text, millis(life)}, func(r rueidis.RedisResult) {
		switch ours, err := r.AsBool(); {
		case err != nil:
			k.a.saves.again(saving{k, pid}, source)
			b.unsaved = err
		case !ours && source != nil:
			source.Lost()
		}
	})
}

// again is put for what was not written, unless there is something newer.
func (s *saves) again(at saving, source adapter.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.waiting[at]; !ok {
		s.waiting[at] = source
	}
	s.signal()
}

// signal wakes the one who writes; mu is held.
func (s *saves) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
