package redis

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

const (
	maxBatch      = 512       // items in one round trip
	maxBatchBytes = 256 << 10 // a batch ends with the message that reaches this
	maxKeptBuffer = 1 << 20   // a larger buffer is not kept for the next batch
)

// A batch collects the commands of one round trip. It keeps its memory from one batch
// to the next. It is owned by the goroutine that publishes.
type batch struct {
	l     *link
	codec codec

	buffer []byte // the channels and messages, one after the other
	cmds   []rueidis.Completed
	done   []func(rueidis.RedisResult) // what takes the result of each command
	loaded map[*script]bool            // scripts that Redis knows
	silent map[string]time.Time        // servers of a Redis Cluster that have not counted: since when
	runs   []run                       // of scripts among the commands, in a Redis Cluster

	unsaved error // why a session could not be saved, nil if all were
}

// reset forgets what was collected.
func (b *batch) reset() {
	if cap(b.buffer) > maxKeptBuffer {
		b.buffer = nil
	}
	b.buffer = b.buffer[:0]
	clear(b.cmds)
	clear(b.done)
	clear(b.runs)
	b.cmds, b.done, b.runs = b.cmds[:0], b.done[:0], b.runs[:0]
	b.unsaved = nil
}

// add adds a command. done takes its result; if nil, an error ends the link.
func (b *batch) add(cmd rueidis.Completed, done func(rueidis.RedisResult)) {
	b.cmds = append(b.cmds, cmd)
	b.done = append(b.done, done)
}

// write returns what f appends, in the memory of the batch. If f fails, the batch is
// as it was.
func (b *batch) write(f func(dst []byte) ([]byte, error)) (string, error) {
	start := len(b.buffer)
	buffer, err := f(b.buffer)
	if err != nil {
		return "", err
	}
	// Where the buffer has grown, what was written before stays valid in the old one.
	b.buffer = buffer
	return rueidis.BinaryString(buffer[start:]), nil
}

// publish adds a PUBLISH, or for byShard an SPUBLISH.
func (b *batch) publish(kind topicKind, channel, message string) {
	if kind == byShard {
		b.add(b.l.client.B().Spublish().Channel(channel).Message(message).Build(), nil)
		return
	}
	b.add(b.l.pub.B().Publish().Channel(channel).Message(message).Build(), nil)
}

// do carries out the commands, in order. In a Redis Cluster one connection carries none
// that belong to several servers: there, the order is kept for each of these.
func (b *batch) do() []rueidis.RedisResult {
	if b.l.a.opts.Mode != Classic && b.l.client.Mode() == rueidis.ClientModeCluster {
		return b.doInCluster()
	}
	return b.l.pub.DoMulti(context.Background(), b.cmds...)
}

// slots is how many slots a Redis Cluster has.
const slots = 16384

// doInCluster carries out the commands of each slot where it is, and those of none,
// which the client does not take together with them, on the connection that publishes.
func (b *batch) doInCluster() []rueidis.RedisResult {
	var some, none []rueidis.Completed
	results := make([]rueidis.RedisResult, len(b.cmds))
	for _, cmd := range b.cmds {
		if cmd.Slot() < slots {
			some = append(some, cmd)
		} else {
			none = append(none, cmd)
		}
	}
	ofNone := b.l.pub.DoMulti(context.Background(), none...)
	ofSome := b.l.client.DoMulti(b.l.cut, some...)
	for i, cmd := range b.cmds {
		from := &ofNone
		if cmd.Slot() < slots {
			from = &ofSome
		}
		results[i], *from = (*from)[0], (*from)[1:]
	}
	return results
}

// send sends the batch and hands the results on. An error reply of Redis is a failure
// like a broken connection: it says that the other nodes cannot be reached this way.
func (b *batch) send() (err error) {
	if len(b.cmds) == 0 {
		return nil
	}
	counts := &b.l.a.counts
	// Without a deadline of its own: the connection has one for each command.
	results := b.do()
	to := b.follow(results)
	for i, r := range results {
		failed := r.Error()
		if e, ok := rueidis.IsRedisErr(failed); ok && e.IsNoScript() {
			b.loaded = nil
		}
		switch {
		case b.done[i] != nil:
			b.done[i](r)
		case failed != nil:
			counts.dropped.Add(1)
			err = failed
		default:
			counts.published.Add(1)
		}
	}
	if to != "" && err == nil {
		b.loaded = nil
		err = b.l.pinTo(to)
	}
	return err
}
