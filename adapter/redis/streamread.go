package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/internal/clusterwire"
)

// noEntry is the id before that of any entry.
const noEntry = "0-0"

// A stream is one that the adapter reads from. Its place in it outlives connections.
type stream struct {
	name    string // set once
	own     string // a stream with nothing but the signs of life of this node, read beside it; set once
	codec   codec  // owned by read
	last    string // id of the entry that was read last, "" before the first connection; owned by locate, then by read
	existed bool   // that entry was there; owned as last

	canary *canary // of the present connection; owned as last, and itself safe
	beat   string  // id of the own sign of life that was read last; owned as last
}

// newStream returns a stream that is read by the node with that uid. Where own is in a
// Redis Cluster is said by the braces: at the same server as the stream.
func newStream(name, uid string, c codec) *stream {
	return &stream{name: name, own: name + "-damso#" + uid + "#{" + name + "}", codec: c}
}

// ownLife is how long signs of life are kept when no more are added.
const ownLife = time.Minute

// watch gives the stream a canary of a new connection.
func (s *stream) watch(a *Adapter) {
	s.beat = noEntry
	s.canary = &canary{what: fmt.Sprintf("stream %q", s.name), send: func(b *batch) {
		c := b.l.client.B()
		b.sign(c.Xadd().Key(s.own).Maxlen().Exact().Threshold("1").Id("*").FieldValue().FieldValue("uid", a.uid).Build())
		b.sign(b.l.client.B().Pexpire().Key(s.own).Milliseconds(ownLife.Milliseconds()).Build())
	}}
	a.watch(s.canary)
}

// heard notes what was read of the own signs of life.
func (s *stream) heard(signs []rueidis.XRangeEntry) {
	if len(signs) > 0 {
		s.beat = signs[len(signs)-1].ID
		s.canary.heard.Add(1)
		s.canary.prove(time.Now())
	}
}

// locate finds out where to go on reading: behind what was read last, or on the first
// connection behind all that is there. What has gone from the stream meanwhile is lost;
// that there may be such a gap is logged and counted.
func (l *link) locate(ctx context.Context, s *stream) error {
	newest, err := l.newest(ctx, s.name)
	if err != nil {
		return err
	}
	if s.last == "" {
		s.last, s.existed = newest, newest != noEntry
		return nil
	}
	if s.last == newest {
		return nil
	}
	if before(newest, s.last) { // a replica that lacked the last ones, or another stream
		l.a.trimmed(s)
		s.last, s.existed = newest, newest != noEntry
		return nil
	}
	if !s.existed { // it was empty: all that was added since may have been trimmed only at its end
		return nil
	}
	entries, err := l.client.Do(ctx, l.client.B().Xrange().Key(s.name).Start(s.last).End(s.last).Build()).AsXRange()
	if err != nil {
		return fmt.Errorf("stream %q: %w", s.name, err)
	}
	if len(entries) == 0 {
		l.a.trimmed(s)
	}
	return nil
}

// newest returns the id of the entry that was added last.
func (l *link) newest(ctx context.Context, name string) (string, error) {
	info, err := l.client.Do(ctx, l.client.B().XinfoStream().Key(name).Build()).AsMap()
	if failed, ok := rueidis.IsRedisErr(err); ok && strings.Contains(failed.Error(), "no such key") {
		return noEntry, nil
	}
	if err != nil {
		return "", fmt.Errorf("stream %q: %w", name, err)
	}
	id := info["last-generated-id"]
	return id.ToString()
}

// trimmed notes that entries may have gone before they were read.
func (a *Adapter) trimmed(s *stream) {
	a.counts.trimmed.Add(1)
	a.log.Warn("redis: entries of a stream may have gone before they were read", slog.String("stream", s.name), slog.String("after", s.last))
}

// before reports whether the entry a was added before b.
func before(a, b string) bool {
	idA, _ := adapter.ParseStreamID(a)
	idB, _ := adapter.ParseStreamID(b)
	return idA.Before(idB)
}

// read reads a stream until ctx ends, which closes the client, or the connection fails.
// A reader that is behind looks whether it has been overtaken by the trimming.
func (l *link) read(ctx context.Context, client rueidis.Client, s *stream) error {
	count := l.a.opts.Streams.ReadCount
	behind := false
	for {
		if behind {
			if err := l.locate(ctx, s); err != nil {
				return err
			}
		}
		read, err := client.Do(ctx, s.next(client.B(), count, l.a.opts.Streams.BlockTime)).AsXRead()
		if e, ok := rueidis.IsRedisErr(err); ok && e.IsTryAgain() {
			read, err = client.Do(ctx, s.nextAlone(client.B(), count)).AsXRead()
			if err == nil || rueidis.IsRedisNil(err) {
				s.canary.prove(time.Now())
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case rueidis.IsRedisNil(err):
			continue
		case err != nil:
			return fmt.Errorf("read stream %q: %w", s.name, err)
		}
		s.heard(read[s.own])
		entries := read[s.name]
		s.canary.heard.Add(uint64(len(entries)))
		for _, e := range entries {
			s.last, s.existed = e.ID, true
			l.a.entry(s, e.ID, e.FieldValues)
		}
		behind = len(entries) == count
	}
}

// next returns the command that reads what follows. Names in which braces are out of
// place are for Redis to refuse.
func (s *stream) next(b rueidis.Builder, count int, block time.Duration) rueidis.Completed {
	return b.Arbitrary("XREAD", "COUNT", strconv.Itoa(count), "BLOCK", millis(block), "STREAMS").
		Keys(s.name).Args(s.own, s.last, s.beat).Blocking()
}

// movingTime is [StreamOptions.BlockTime] while a slot of a Redis Cluster moves.
const movingTime = 50 * time.Millisecond

// nextAlone returns the command that reads what follows in the stream alone, while its
// slot moves to another server, and its keys are at two. That it can be read has to do as
// a sign of life.
func (s *stream) nextAlone(b rueidis.Builder, count int) rueidis.Completed {
	return b.Xread().Count(int64(count)).Block(movingTime.Milliseconds()).Streams().Key(s.name).Id(s.last).Build()
}

// entry hands an entry of a stream to its namespace.
func (a *Adapter) entry(s *stream, id string, fields map[string]string) {
	n := a.byName(fields["nsp"])
	switch {
	case n == nil:
		return
	case fields["uid"] == a.uid:
		n.added(id, fields[ownField])
		return
	}
	typ, err := strconv.Atoi(fields["type"])
	m := &clusterwire.Message{Type: clusterwire.Type(typ), UID: fields["uid"], Namespace: n.name}
	if err == nil && (m.Type < clusterwire.Broadcast || m.Type > clusterwire.ClientAck) {
		return // a heartbeat, of older versions
	}
	if err == nil {
		err = s.codec.decoder.DecodeData(m, fields["data"])
	}
	if err == nil {
		at(m, id)
		err = n.hear(m)
	}
	if err != nil {
		n.undecodable(s.name, len(fields["data"]), err)
	}
}

func (a *Adapter) byName(nsp string) *namespace {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.namespaces[nsp]
}

// readStreams reads all streams, if there are any, until ctx ends or a connection fails.
func (l *link) readStreams(ctx context.Context) error {
	if len(l.a.streams) == 0 {
		return nil
	}
	cut, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, stop)() // closes connections that wait for entries
	client, err := rueidis.NewClient(cuttable(l.a.client, cut))
	if err != nil {
		if client != nil {
			client.Close()
		}
		return fmt.Errorf("connect for streams: %w", err)
	}
	ended := make(chan error, len(l.a.streams))
	for _, s := range l.a.streams {
		go func() { ended <- l.read(ctx, client, s) }()
	}
	err = nil
	for range l.a.streams {
		err = errors.Join(err, <-ended)
		stop()
	}
	client.Close()
	return err
}
