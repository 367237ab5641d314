package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// subscribers lets done know how many subscribers each of some channels has when the
// next command is carried out. In a Redis Cluster, where each server knows its own
// only, all are asked before the batch is sent; with an error, counts are what those
// that have answered say, nil if none has.
func (b *batch) subscribers(kind topicKind, channels []string, done func(counts map[string]int64, err error)) {
	if b.l.client.Mode() == rueidis.ClientModeCluster {
		done(b.subscribersOfAll(kind, channels))
		return
	}
	b.add(numsub(b.l.client, kind, channels), func(r rueidis.RedisResult) {
		counts, err := r.AsIntMap()
		if err != nil {
			counts = nil
		}
		done(counts, err)
	})
}

func numsub(c rueidis.Client, kind topicKind, channels []string) rueidis.Completed {
	if kind == byShard {
		// Not by its own builder, which wants the channels to be of one slot. Redis does not.
		return c.B().Arbitrary("PUBSUB", "SHARDNUMSUB").Args(channels...).Build()
	}
	return c.B().PubsubNumsub().Channel(channels...).Build()
}

const (
	countTimeout = time.Second     // how long a server of a Redis Cluster may take to count
	countPause   = 5 * time.Second // how long it is not asked after it has not
)

var errNotAsked = errors.New("did not answer a moment ago")

// A tally is what one server has counted.
type tally struct {
	addr   string
	counts map[string]int64
	err    error
}

// subscribersOfAll asks all servers of a Redis Cluster.
func (b *batch) subscribersOfAll(kind topicKind, channels []string) (sum map[string]int64, err error) {
	ctx, cancel := context.WithTimeout(b.l.cut, countTimeout)
	defer cancel()
	servers := b.l.client.Nodes()
	tallies := make(chan tally, len(servers))
	for addr, server := range servers {
		if time.Since(b.silent[addr]) < countPause {
			tallies <- tally{addr, nil, errNotAsked}
			continue
		}
		go func() {
			counts, err := server.Do(ctx, numsub(server, kind, channels)).AsIntMap()
			tallies <- tally{addr, counts, err}
		}()
	}
	for range servers {
		t := <-tallies
		if t.err != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", t.addr, t.err))
			b.pause(t)
			continue
		}
		if sum == nil {
			sum = map[string]int64{}
		}
		for channel, n := range t.counts {
			sum[channel] += n
		}
	}
	return sum, err
}

// pause remembers a server that takes too long: what is published would wait for it.
func (b *batch) pause(t tally) {
	if errors.Is(t.err, context.DeadlineExceeded) {
		if b.silent == nil {
			b.silent = map[string]time.Time{}
		}
		b.silent[t.addr] = time.Now()
	}
}

// present is who listens to a namespace besides this node.
type present struct {
	named  []string // the Damso nodes, by their ids
	others int      // how many others
	gone   []string // ids of those that are gone, though Redis does not know that yet
}

// present lets done know who listens to the channels of a namespace: the Damso nodes,
// each of which has one for itself alone, private with the node's id and "#" behind it,
// and as many others as listen to the public channel besides. With an error, these are
// those that could be counted; nil if none could.
func (b *batch) present(n *namespace, public topic, private string, done func(p *present, err error)) {
	alive, gone := n.a.others(), n.a.mesh.ghosts(time.Now())
	channels := []string{public.name}
	for _, id := range alive {
		channels = append(channels, private+id+"#")
	}
	for _, id := range gone {
		channels = append(channels, private+id+"#")
	}
	b.subscribers(public.kind, channels, func(counts map[string]int64, err error) {
		if err != nil {
			err = fmt.Errorf("count servers: %w", err)
		}
		if counts == nil {
			done(nil, err)
			return
		}
		listens := func(id string) bool { return counts[private+id+"#"] > 0 }
		p := &present{others: int(counts[public.name]) - 1}
		for _, id := range alive {
			if listens(id) || err != nil { // it may listen where nobody has counted
				p.others--
				p.named = append(p.named, id)
			}
		}
		for _, id := range gone {
			if listens(id) {
				p.others--
				p.gone = append(p.gone, id)
			}
		}
		p.others = max(p.others, 0)
		done(p, err)
	})
}

// count tells how many servers have a namespace, or those of them that could be counted
// and why others could not.
func (b *batch) count(n *namespace, public topic, private string, result chan<- counted) {
	b.present(n, public, private, func(p *present, err error) {
		if p == nil {
			result <- counted{0, err}
			return
		}
		result <- counted{1 + len(p.named) + p.others, err}
	})
}

// expectAll lets a query know who is to answer.
func (b *batch) expectAll(n *namespace, q *adapter.Query, public topic, private string) {
	b.present(n, public, private, func(p *present, err error) {
		if p == nil {
			q.Fail(err)
			return
		}
		if err != nil {
			q.Doubt(err)
		}
		for _, id := range p.gone {
			q.Lost(id) // if it answers all the same, it is not one of the others
		}
		q.Expect(p.named, p.others)
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
