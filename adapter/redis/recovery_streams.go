package redis

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
)

// Clients come back in mode Streams as with @socket.io/redis-streams-adapter: a session
// is kept from the end of a connection to the beginning of the next, and what the client
// has missed is in the stream. Entries of broadcasts that are to come back to their
// sender have a field more, which others do not look at.

// ownField has the number of a broadcast among its sender's.
const ownField = "own"

var (
	_ adapter.Streamer = (*Adapter)(nil)
	_ adapter.Stream   = (*streamed)(nil)
)

// streamed is a namespace whose clients may come back.
type streamed struct {
	*namespace
	life time.Duration
}

// sessionKey returns the key of a session.
func (s *streamed) sessionKey(pid string) string { return s.a.opts.Streams.SessionPrefix + pid }

// Streams implements [adapter.Streamer].
func (a *Adapter) Streams() bool { return a.opts.Mode == Streams }

// OpenStream implements [adapter.Streamer]. The error wraps [errors.ErrUnsupported] in
// other modes than [Streams].
func (a *Adapter) OpenStream(nsp string, local adapter.StreamLocal, life time.Duration) (adapter.Stream, error) {
	if !a.Streams() {
		return nil, fmt.Errorf("redis: recovery from a stream: %w", errors.ErrUnsupported)
	}
	n := newNamespace(a, nsp, local)
	n.streamLocal = local
	if err := a.open(n); err != nil {
		return nil, err
	}
	return &streamed{n, life}, nil
}

// added tells the namespace that an entry of this node has come back.
func (n *namespace) added(id, own string) {
	number, err := strconv.ParseUint(own, 10, 64)
	at, ok := adapter.ParseStreamID(id)
	if n.streamLocal == nil || err != nil || !ok {
		return
	}
	n.hearing.Lock()
	defer n.hearing.Unlock()
	n.streamLocal.Added(number, at)
}

// at notes where in the stream a message was.
func at(m *clusterwire.Message, id string) {
	if m.Op != nil {
		m.Op.Logged.At, _ = adapter.ParseStreamID(id)
	}
}

// Save implements [adapter.Stream].
func (s *streamed) Save(session func() *adapter.StreamSession) {
	_ = s.put(item{n: s.namespace, call: &call{
		add:    func(b *batch) { s.save(b, session()) },
		failed: func(error) {},
	}})
}

func (s *streamed) save(b *batch, session *adapter.StreamSession) {
	if session == nil {
		return
	}
	text, err := appendStreamSession(nil, session)
	if err == nil && len(text) > maxSession {
		err = errTooLarge
	}
	if err != nil {
		s.a.log.Warn("redis: a session is not kept", slog.String("namespace", s.name), slog.Any("error", err))
		return
	}
	b.add(b.l.client.B().Set().Key(s.sessionKey(session.PID)).Value(base64.StdEncoding.EncodeToString(text)).
		PxMilliseconds(max(s.life.Milliseconds(), 1)).Build(), func(rueidis.RedisResult) {})
}

var errTooLarge = errors.New("redis: session is too large")

// takeLua takes a value out: GETDEL, which Redis has from 6.2 on.
const takeLua = `local v = redis.call('GET', KEYS[1]) redis.call('DEL', KEYS[1]) return v`

// Restore implements [adapter.Stream].
func (s *streamed) Restore(ctx context.Context, r adapter.Return) (*adapter.Restored, error) {
	session, err := s.take(ctx, r.PID)
	if err != nil {
		return nil, err
	}
	there, err := s.entries(ctx, r.After, r.After.String(), 1)
	switch {
	case err != nil:
		return nil, err
	case len(there) == 0:
		return nil, adapter.ErrTrimmed
	}
	restored := &adapter.Restored{Session: session, UpTo: r.After}
	codec := s.a.newCodec()
	for size, count := 0, s.a.opts.Streams.ReadCount; ; {
		entries, err := s.entries(ctx, restored.UpTo.Next(), "+", count)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			restored.UpTo, _ = adapter.ParseStreamID(e.ID)
			op := s.missed(&codec, e)
			if op == nil || !session.Gets(op) {
				continue
			}
			restored.Missed = append(restored.Missed, op)
			if size += sizeOfEvent(op.Event); size > r.MaxBytes || len(restored.Missed) > r.MaxEvents {
				return nil, adapter.ErrTrimmed
			}
		}
		if len(entries) < count {
			return restored, nil
		}
	}
}

// take takes a session out of Redis.
func (s *streamed) take(ctx context.Context, pid string) (*adapter.StreamSession, error) {
	r, err := s.call(ctx, func(b *batch, done func(rueidis.RedisResult)) {
		b.add(b.l.client.B().Eval().Script(takeLua).Numkeys(1).Key(s.sessionKey(pid)).Build(), done)
	})
	text := ""
	if err == nil {
		text, err = r.ToString()
	}
	switch {
	case rueidis.IsRedisNil(err):
		return nil, adapter.ErrNoSession
	case err != nil:
		return nil, fmt.Errorf("redis: take a session: %w", err)
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSession, err)
	}
	session, err := decodeStreamSession(packed)
	if err == nil && session.PID != pid {
		err = errSession
	}
	return session, err
}

// entries reads a part of the namespace's stream.
func (s *streamed) entries(ctx context.Context, from adapter.StreamID, to string, count int) ([]rueidis.XRangeEntry, error) {
	name := clusterwire.Stream(s.a.opts.Streams.Name, s.name, s.a.opts.Streams.Count)
	r, err := s.call(ctx, func(b *batch, done func(rueidis.RedisResult)) {
		b.add(b.l.client.B().Xrange().Key(name).Start(from.String()).End(to).Count(int64(count)).Build(), done)
	})
	var entries []rueidis.XRangeEntry
	if err == nil {
		entries, err = r.AsXRange()
	}
	if err != nil {
		return nil, fmt.Errorf("redis: stream %q: %w", name, err)
	}
	return entries, nil
}

// missed returns the broadcast in an entry, nil if there is none that is kept.
func (s *streamed) missed(c *codec, e rueidis.XRangeEntry) *adapter.Operation {
	fields := e.FieldValues
	if fields["nsp"] != s.name || fields["type"] != strconv.Itoa(int(clusterwire.Broadcast)) {
		return nil
	}
	m := &clusterwire.Message{Type: clusterwire.Broadcast, UID: fields["uid"], Namespace: s.name}
	if c.decoder.DecodeData(m, fields["data"]) != nil || m.ID != "" || m.Op.Flags.Volatile {
		return nil
	}
	at(m, e.ID)
	return m.Op
}
