package redis

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// A run is a script among the commands of a batch.
type run struct {
	at   int // among the commands
	s    *script
	keys []string
	args []string
}

const (
	movingPatience = time.Second // for a slot that is on its way, in one batch
	movingPause    = 10 * time.Millisecond
)

// follow runs the scripts again that were refused because their slot is moving to another
// server of a Redis Cluster: where it is now, and when all keys of a script are at one
// server. Those that somebody waits for and that came behind them are run again as well,
// since they rely on what was before. Meanwhile all that is published waits. It returns the
// server that the slot has moved to, "" if it has not.
func (b *batch) follow(results []rueidis.RedisResult) (to string) {
	until := time.Now().Add(movingPatience)
	refused := false
	for _, r := range b.runs {
		moving, addr := isMoving(results[r.at].Error())
		refused, to = refused || moving, cmp.Or(addr, to)
		if moving || refused && b.done[r.at] != nil {
			results[r.at] = b.runAgain(r, until)
		}
	}
	return to
}

// isMoving reports whether an error says that a slot is moving, and which server has it
// if it has moved.
func isMoving(err error) (moving bool, to string) {
	e, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false, ""
	}
	to, moved := e.IsMoved()
	_, ask := e.IsAsk()
	return moved || ask || e.IsTryAgain(), to
}

// runAgain runs a script wherever its keys are.
func (b *batch) runAgain(r run, until time.Time) rueidis.RedisResult {
	pause := time.NewTicker(movingPause)
	defer pause.Stop()
	for {
		cmd := b.l.client.B().Eval().Script(r.s.text).Numkeys(int64(len(r.keys))).Key(r.keys...).Arg(r.args...).Build()
		result := b.l.client.Do(b.l.cut, cmd)
		if e, ok := rueidis.IsRedisErr(result.Error()); !ok || !e.IsTryAgain() || time.Now().After(until) {
			return result
		}
		select {
		case <-pause.C:
		case <-b.l.cut.Done():
			return result
		}
	}
}

// pin makes the connection that publishes. In a Redis Cluster its first command says which
// server that is to: the one with what is kept. While that moves, it is the one that it
// moves from.
func (l *link) pin() error {
	l.pub, _ = l.client.Dedicate()
	first := l.pub.B().Ping().Build()
	if l.client.Mode() == rueidis.ClientModeCluster {
		first = l.pub.B().Exists().Key("{" + l.a.opts.Prefix + "}").Build()
	}
	err := l.pub.Do(context.Background(), first).Error()
	moving, to := isMoving(err)
	switch {
	case to != "":
		return l.pinTo(to)
	case moving:
		return nil
	}
	return err
}

// pinTo makes the connection that publishes one to that server, which the client may not
// know yet as the owner of the slot.
func (l *link) pinTo(addr string) error {
	server := l.client.Nodes()[addr]
	if server == nil {
		return fmt.Errorf("server %s of the Redis Cluster is not known", addr)
	}
	l.pub.Close()
	l.pub, _ = server.Dedicate()
	return l.pub.Do(context.Background(), l.pub.B().Ping().Build()).Error()
}
