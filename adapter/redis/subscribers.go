package redis

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/damso/damso/adapter"
)

// subscribers lets done know how many subscribers each of some channels has when the
// next command is carried out. In a Redis Cluster, where each server knows its own
// only, all are asked before the batch is sent.
func (b *batch) subscribers(channels []string, done func(counts map[string]int64, err error)) {
	if b.l.client.Mode() == rueidis.ClientModeCluster {
		done(b.subscribersOfAll(channels))
		return
	}
	b.add(b.l.client.B().PubsubNumsub().Channel(channels...).Build(), func(r rueidis.RedisResult) { done(r.AsIntMap()) })
}

func (b *batch) subscribersOfAll(channels []string) (map[string]int64, error) {
	var group errgroup.Group
	var mu sync.Mutex
	sum := map[string]int64{}
	for _, server := range b.l.client.Nodes() {
		group.Go(func() error {
			cmd := server.B().PubsubNumsub().Channel(channels...).Build()
			counts, err := server.Do(context.Background(), cmd).AsIntMap()
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

// expectAll lets a query know who is to answer: the Damso nodes that listen to what is
// for them alone in this namespace, by their names, and as many others as listen to
// the requests besides.
func (b *batch) expectAll(n *namespace, q *adapter.Query) {
	channels := []string{n.requests()}
	nodes := n.a.others()
	for _, id := range nodes {
		channels = append(channels, n.responses()+id+"#")
	}
	b.subscribers(channels, func(counts map[string]int64, err error) {
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
		q.Expect(here, max(int(counts[n.requests()])-1-len(here), 0))
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
