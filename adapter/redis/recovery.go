package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// What is kept for clients that come back is on Redis, all in one slot of a Cluster:
//
//	{PREFIX}-count#NSP         the number of the last event that was kept
//	{PREFIX}-log#NSP#ROOM      a stream of the last events that were sent to a room, by
//	                           their numbers; without ROOM of those to all
//	{PREFIX}-session#NSP#PID   a hash: o the owner's name; s the session, missing if it
//	                           was ended; b what its owner has handed out, see missed.lua
//
// A broadcast that is kept has two elements more at the end of its message: its number
// among those of its publisher, and, put there by Redis, its number in the log, as a
// string. The servers of Node.js do not look at them.

var (
	_ adapter.Keeper = (*Adapter)(nil)
	_ adapter.Kept   = (*kept)(nil)
)

// kept is a namespace whose sessions and events are kept.
type kept struct {
	*namespace
	keep adapter.Keep
}

// keptLocal is what a namespace hears of what is kept.
type keptLocal interface {
	Seen(n uint64)
	Moved(pid string)
}

// OpenKept implements [adapter.Keeper]. The error wraps [errors.ErrUnsupported] in other
// modes than [Classic]; with a parser, since Redis could not number the messages; and
// with ExactRooms, since what is sent to a room is not heard the moment it is joined.
func (a *Adapter) OpenKept(nsp string, local adapter.KeptLocal, keep adapter.Keep) (adapter.Kept, error) {
	if _, ok := a.wire.(classic); !ok || a.opts.Parser != nil || a.opts.ExactRooms {
		return nil, fmt.Errorf("redis: recovery over nodes: %w", errors.ErrUnsupported)
	}
	n := newNamespace(a, nsp, local)
	n.kept, n.keptLocal = &kept{n, keep}, local
	if err := a.open(n); err != nil {
		return nil, err
	}
	return n.kept, nil
}

// key returns the name of a key that belongs to the namespace.
func (n *namespace) key(kind, name string) string {
	return "{" + n.a.opts.Prefix + "}-" + kind + "#" + n.name + "#" + name
}

func (k *kept) counter() string { return "{" + k.a.opts.Prefix + "}-count#" + k.name }

// log returns the key of the events that were sent to a room, "" for those to all.
func (k *kept) log(room string) string { return k.key("log", room) }

func (k *kept) session(pid string) string { return k.key("session", pid) }

// maxLogs is in how many logs an event is kept at most. One to more rooms is kept in
// that for all, which every client reads.
const maxLogs = 4

// logs returns the keys of the logs that op goes to.
func (k *kept) logs(op *adapter.Operation) []string {
	if len(op.Rooms) == 0 || len(op.Rooms) > maxLogs {
		return []string{k.log("")}
	}
	keys := make([]string, len(op.Rooms))
	for i, room := range op.Rooms {
		keys[i] = k.log(room)
	}
	return keys
}

// maxKeptEvent is how large a message may be that is kept. Who has missed a larger one
// is not recovered.
const maxKeptEvent = 1 << 20

// publish adds the publication of a broadcast that is kept.
func (k *kept) publish(b *batch, op *adapter.Operation, channel, message string) {
	keys := append([]string{k.counter()}, k.logs(op)...)
	size := ""
	if len(message) > maxKeptEvent {
		size = "large"
	}
	b.run(publishScript, keys, []string{channel, message, number(uint64(k.keep.MaxEvents)), millis(k.keep.Life), size}, nil)
}

// seen tells the namespace of a message that is not handed to it.
func (n *namespace) seen(message []byte) {
	if n.kept == nil {
		return
	}
	if at, ok := lastNumber(message); ok {
		n.keptLocal.Seen(at)
	}
}

// numbers returns the last numbers in the logs of namespaces, before they are
// subscribed: clients that join then have missed nothing up to them.
func (l *link) numbers(ctx context.Context, namespaces []*namespace) map[*namespace]uint64 {
	last := map[*namespace]uint64{}
	for _, n := range namespaces {
		if n.kept == nil {
			continue
		}
		if at, err := l.client.Do(ctx, l.client.B().Get().Key(n.kept.counter()).Build()).AsUint64(); err == nil {
			last[n] = at
		}
	}
	return last
}

const movedPrefix = "moved:"

// moved takes the news that a session of this node is another's.
func (n *namespace) moved(message []byte) bool {
	pid, ok := strings.CutPrefix(string(message[:min(len(message), 128)]), movedPrefix)
	if ok && n.kept != nil {
		n.keptLocal.Moved(pid)
	}
	return ok
}

// Claim implements [adapter.Kept].
func (k *kept) Claim(ctx context.Context, pid string) (*adapter.Session, string, error) {
	r, err := k.call(ctx, func(b *batch, done func(rueidis.RedisResult)) {
		if s, ok := k.a.saves.take(saving{k, pid}); ok {
			k.save(b, pid, s) // it may have ended
		}
		b.run(claimScript, []string{k.session(pid)}, []string{k.a.uid, k.responses(), pid}, done)
	})
	if err != nil {
		return nil, "", fmt.Errorf("redis: claim a session: %w", err)
	}
	return readClaim(pid, r)
}

// readClaim reads what claimScript returns.
func readClaim(pid string, r rueidis.RedisResult) (*adapter.Session, string, error) {
	fields, err := r.AsStrSlice()
	switch {
	case rueidis.IsRedisNil(err):
		return nil, "", adapter.ErrNoSession
	case err != nil:
		return nil, "", fmt.Errorf("redis: claim a session: %w", err)
	case len(fields) == 1:
		return nil, fields[0], adapter.ErrSessionEnded
	case len(fields) != 3:
		return nil, "", errSession
	}
	s, err := decodeSession([]byte(fields[1]))
	if err != nil {
		return nil, "", fmt.Errorf("redis: session: %w", err)
	}
	s.PID = pid
	if fields[2] != "" {
		s.Base, err = parseBase(fields[2])
	}
	return s, fields[0], err
}

// call lets add put a command into the next batch, behind all that waits, and returns
// its result.
func (n *namespace) call(ctx context.Context, add func(b *batch, done func(rueidis.RedisResult))) (r rueidis.RedisResult, err error) {
	type outcome struct {
		r   rueidis.RedisResult
		err error
	}
	c := make(chan outcome, 1)
	err = n.put(item{n: n, call: &call{
		add:    func(b *batch) { add(b, func(r rueidis.RedisResult) { c <- outcome{r: r} }) },
		failed: func(err error) { c <- outcome{err: err} },
	}})
	if err != nil {
		return r, err
	}
	select {
	case o := <-c:
		return o.r, o.err
	case <-ctx.Done():
		return r, ctx.Err()
	}
}

// A call is a command that somebody waits for.
type call struct {
	add    func(b *batch)
	failed func(err error) // it was not added
}
