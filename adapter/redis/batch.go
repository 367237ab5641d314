package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"
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
	counts map[string]int              // numbers of subscribers in a Redis Cluster, by channel
	loaded map[*script]bool            // scripts that Redis knows
}

// reset forgets what was collected.
func (b *batch) reset() {
	if cap(b.buffer) > maxKeptBuffer {
		b.buffer = nil
	}
	b.buffer = b.buffer[:0]
	clear(b.cmds)
	clear(b.done)
	b.cmds, b.done = b.cmds[:0], b.done[:0]
	clear(b.counts)
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

// count lets done know how many subscribers a channel has when the next command is
// carried out. In a Redis Cluster, where each server knows its own only, all are
// asked before the batch is sent.
func (b *batch) count(channel topic, done func(n int, err error)) {
	if b.l.client.Mode() == rueidis.ClientModeCluster {
		done(b.countAll(channel))
		return
	}
	b.add(numsub(b.l.client, channel), func(r rueidis.RedisResult) { done(readNumsub(r)) })
}

func (b *batch) countAll(channel topic) (int, error) {
	if n, ok := b.counts[channel.name]; ok {
		return n, nil
	}
	var group errgroup.Group
	servers := b.l.client.Nodes()
	counts := make(chan int, len(servers))
	for _, server := range servers {
		group.Go(func() error {
			n, err := readNumsub(server.Do(context.Background(), numsub(server, channel)))
			counts <- n
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	sum := 0
	for range servers {
		sum += <-counts
	}
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	b.counts[channel.name] = sum
	return sum, nil
}

func numsub(c rueidis.Client, channel topic) rueidis.Completed {
	if channel.kind == byShard {
		return c.B().PubsubShardnumsub().Channel(channel.name).Build()
	}
	return c.B().PubsubNumsub().Channel(channel.name).Build()
}

// readNumsub reads the answer to PUBSUB NUMSUB with one channel.
func readNumsub(r rueidis.RedisResult) (int, error) {
	m, err := r.AsIntMap()
	if err != nil {
		return 0, fmt.Errorf("count servers: %w", err)
	}
	for _, n := range m {
		return int(n), nil
	}
	return 0, errors.New("count servers: no answer")
}

// send sends the batch and hands the results on. An error reply of Redis is a failure
// like a broken connection: it says that the other nodes cannot be reached this way.
func (b *batch) send() (err error) {
	if len(b.cmds) == 0 {
		return nil
	}
	counts := &b.l.a.counts
	// Without a deadline of its own: the connection has one for each command.
	for i, r := range b.l.pub.DoMulti(context.Background(), b.cmds...) {
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
	return err
}
