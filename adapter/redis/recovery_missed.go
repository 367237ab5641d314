package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
	"github.com/tinylib/msgp/msgp"

	"github.com/damso/damso/adapter"
)

// maxLogsRead is how many rooms a client may have been in that is recovered.
const maxLogsRead = 1024

// Missed implements [adapter.Kept]. The pattern that a node is subscribed to matches
// what is sent to all rooms, and what the node has published is in the log before the
// script runs, since both go over one connection.
func (k *kept) Missed(ctx context.Context, m adapter.Missed) (adapter.Log, error) {
	if len(m.After) > maxLogsRead {
		return adapter.Log{}, fmt.Errorf("redis: %d rooms: %w", len(m.After), adapter.ErrTrimmed)
	}
	keys := []string{k.session(m.PID), k.counter()}
	args := []string{
		k.a.uid, number(m.Own), number(uint64(k.keep.MaxEvents)),
		number(uint64(m.MaxEvents)), number(uint64(m.MaxBytes)), millis(k.keep.Life),
	}
	for room, after := range m.After {
		keys, args = append(keys, k.log(room)), append(args, number(after+1))
	}
	r, err := k.call(ctx, func(b *batch, done func(rueidis.RedisResult)) { b.run(missedScript, keys, args, done) })
	if err != nil {
		return adapter.Log{}, fmt.Errorf("redis: read a log: %w", err)
	}
	switch text, err := r.ToString(); {
	case err == nil && text == "gone":
		return adapter.Log{}, adapter.ErrNoSession
	case err == nil:
		return adapter.Log{}, fmt.Errorf("redis: %w", adapter.ErrTrimmed)
	}
	list, err := r.AsStrSlice()
	if err != nil || len(list) == 0 {
		return adapter.Log{}, fmt.Errorf("redis: read a log: %w", err)
	}
	return k.readLog(list)
}

// readLog decodes the number of the last event, and events.
func (k *kept) readLog(list []string) (log adapter.Log, err error) {
	if log.N, err = strconv.ParseUint(list[0], 10, 48); err != nil {
		return log, fmt.Errorf("redis: number of the log: %w", err)
	}
	c := k.a.newCodec()
	for _, message := range list[1:] {
		op, _, err := c.decodeBroadcast(bytesOf(message), "", k.name)
		if err != nil {
			return log, fmt.Errorf("redis: event of the log: %w", err)
		}
		if op != nil && op.Logged.N != 0 { // else it is of a namespace with a similar name
			log.Events = append(log.Events, op)
		}
	}
	slices.SortFunc(log.Events, func(a, b *adapter.Operation) int { return cmp.Compare(a.Logged.N, b.Logged.N) })
	log.Events = slices.CompactFunc(log.Events, func(a, b *adapter.Operation) bool { return a.Logged.N == b.Logged.N })
	return log, nil
}

// readLogged reads what follows the options of a broadcast that is kept.
func readLogged(b []byte, from string) (l adapter.Logged, err error) {
	l.Node = from
	if l.Own, b, err = msgp.ReadUint64Bytes(b); err != nil {
		return l, err
	}
	digits, _, err := msgp.ReadStringZC(b)
	if err != nil {
		return l, err
	}
	l.N, err = strconv.ParseUint(string(digits), 10, 48)
	return l, err
}

// numberDigits is how many digits the numbers of events have, until the year 2477.
const numberDigits = 15

// lastNumber returns the number that a message ends with, if it has one.
func lastNumber(message []byte) (uint64, bool) {
	at := len(message) - numberDigits - 1
	if at < 0 || message[at] != 0xa0|numberDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(message[at+1:]), 10, 48)
	return n, err == nil
}

var errSession = errors.New("redis: a session makes no sense")

// parseBase reads what the script of Missed has put into a session.
func parseBase(s string) (p adapter.Place, err error) {
	fields := strings.Split(s, ":")
	if len(fields) != 3 {
		return p, errSession
	}
	p.Node = fields[0]
	if p.Own, err = strconv.ParseUint(fields[1], 10, 48); err != nil {
		return p, fmt.Errorf("%w: %w", errSession, err)
	}
	if p.Seen, err = strconv.ParseUint(fields[2], 10, 48); err != nil {
		return p, fmt.Errorf("%w: %w", errSession, err)
	}
	return p, nil
}
