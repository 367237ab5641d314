package redis

import (
	"fmt"
	"sync"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/damso/damso/adapter"
)

// subscribers lets done know how many subscribers each of some channels has when the
// next command is carried out. In a Redis Cluster, where each server knows its own
// only, all are asked before the batch is sent.
func (b *batch) subscribers(kind topicKind, channels []string, done func(counts map[string]int64, err error)) {
	if b.l.client.Mode() == rueidis.ClientModeCluster {
		done(b.subscribersOfAll(kind, channels))
		return
	}
	b.add(numsub(b.l.client, kind, channels), func(r rueidis.RedisResult) { done(r.AsIntMap()) })
}

func numsub(c rueidis.Client, kind topicKind, channels []string) rueidis.Completed {
	if kind == byShard {
		// Not by its own builder, which wants the channels to be of one slot. Redis does not.
		return c.B().Arbitrary("PUBSUB", "SHARDNUMSUB").Args(channels...).Build()
	}
	return c.B().PubsubNumsub().Channel(channels...).Build()
}

// count lets done know how many subscribers a channel has.
func (b *batch) count(channel topic, done func(n int, err error)) {
	b.subscribers(channel.kind, []string{channel.name}, func(counts map[string]int64, err error) {
		if err != nil {
			err = fmt.Errorf("count servers: %w", err)
		}
		done(int(counts[channel.name]), err)
	})
}

func (b *batch) subscribersOfAll(kind topicKind, channels []string) (map[string]int64, error) {
	var group errgroup.Group
	var mu sync.Mutex
	sum := map[string]int64{}
	for _, server := range b.l.client.Nodes() {
		group.Go(func() error {
			counts, err := server.Do(b.l.cut, numsub(server, kind, channels)).AsIntMap()
			mu.Lock()
			defer mu.Unlock()
			for channel, n := range counts {
				sum[channel] += n
			}
			return err
		})
	}
	return sum, group.Wait()
}

// expectAll lets a query know who is to answer: the Damso nodes that listen to the
// channels for them alone, by their names, and as many others as listen to the public
// channel besides. The former are private with the node's id and "#" behind it.
func (b *batch) expectAll(n *namespace, q *adapter.Query, public topic, private string) {
	channels := []string{public.name}
	nodes := n.a.others()
	for _, id := range nodes {
		channels = append(channels, private+id+"#")
	}
	b.subscribers(public.kind, channels, func(counts map[string]int64, err error) {
		if err != nil {
			q.Fail(fmt.Errorf("count servers: %w", err))
			return
		}
		var here []string
		for i, id := range nodes {
			if counts[channels[i+1]] > 0 {
				here = append(here, id)
			}
		}
		q.Expect(here, max(int(counts[public.name])-1-len(here), 0))
	})
}

// others returns the ids of the other Damso nodes that are alive.
func (a *Adapter) others() (ids []string) {
	for _, id := range a.Nodes() {
		if id != a.uid {
			ids = append(ids, id)
		}
	}
	return ids
}
