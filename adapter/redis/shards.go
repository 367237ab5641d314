package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// errMoved ends a link: the next one asks again which server has which slot.
var errMoved = errors.New("a slot of the Redis Cluster has moved")

var errSlots = errors.New("the answer has another form")

// shards are connections to the servers of a Redis Cluster that listen to sharded
// channels: each channel belongs to a slot, and is heard at the server of that slot.
// It is owned by the goroutine that listens, but for leaving.
type shards struct {
	slots   []slotRange
	servers map[string]*shard // by address
	readers sync.WaitGroup

	mu      sync.Mutex
	leaving map[string]bool // channels that are being unsubscribed; guarded by mu
}

// A shard is a connection to one server.
type shard struct {
	rueidis.DedicatedClient
	own    string // the channel of its canary, which nobody else listens to
	proven bool   // that is subscribed; owned by the goroutine that listens
}

// A slotRange says which server has some slots.
type slotRange struct {
	first, last int64
	addr        string
}

// doShards subscribes or unsubscribes sharded channels.
func (l *link) doShards(ctx context.Context, on bool, channels []string) error {
	if len(channels) == 0 {
		return nil
	}
	if l.shards.slots == nil {
		if err := l.readSlots(ctx); err != nil {
			return err
		}
	}
	cmds := map[*shard][]rueidis.Completed{}
	for _, channel := range channels {
		server, err := l.shard(channel)
		if err != nil {
			return err
		}
		if !on {
			l.shards.leave(channel)
		}
		if !server.proven {
			server.proven = true
			cmds[server] = append(cmds[server], byShard.subscribe(server.B(), true, []string{server.own}))
		}
		cmds[server] = append(cmds[server], byShard.subscribe(server.B(), on, []string{channel}))
	}
	for server, list := range cmds {
		for _, r := range server.DoMulti(ctx, list...) {
			if err := r.Error(); err != nil {
				return byShard.explain(err)
			}
		}
	}
	return nil
}

// readSlots asks the servers, one after the other until one answers, which of them has
// which slots.
func (l *link) readSlots(ctx context.Context) (err error) {
	for addr, server := range l.client.Nodes() {
		var answer []rueidis.RedisMessage
		if answer, err = server.Do(ctx, server.B().ClusterSlots().Build()).ToArray(); err == nil {
			if l.shards.slots, err = slotRanges(answer, addr); err == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("slots: %w", cmp.Or(err, errSlots))
}

// slotRanges reads what the server at the address asked says. A server that it gives no
// host has the host that it was asked at itself.
func slotRanges(answer []rueidis.RedisMessage, asked string) (ranges []slotRange, err error) {
	for _, r := range answer {
		fields, err := r.ToArray()
		if err != nil || len(fields) < 3 {
			return nil, cmp.Or(err, errSlots)
		}
		first, _ := fields[0].AsInt64()
		last, _ := fields[1].AsInt64()
		master, err := fields[2].ToArray()
		if err != nil || len(master) < 2 {
			return nil, cmp.Or(err, errSlots)
		}
		host, _ := master[0].ToString()
		if host == "" {
			host, _, _ = net.SplitHostPort(asked)
		}
		port, _ := master[1].AsInt64()
		ranges = append(ranges, slotRange{first, last, net.JoinHostPort(host, strconv.FormatInt(port, 10))})
	}
	return ranges, nil
}

// shard returns the connection to the server of a channel.
func (l *link) shard(channel string) (*shard, error) {
	addr := l.addrOf(channel)
	if addr == "" {
		return nil, fmt.Errorf("no server has the slot of %q", channel)
	}
	return l.shardAt(addr)
}

// addrOf returns the address of the server of a channel, "" if none has its slot.
func (l *link) addrOf(channel string) string {
	cmd := l.client.B().Ssubscribe().Channel(channel).Build()
	slot := int64(cmd.Slot())
	for _, r := range l.shards.slots {
		if r.first <= slot && slot <= r.last {
			return r.addr
		}
	}
	return ""
}

// channelAt returns a channel of this node alone that belongs to a server. There is one
// among the first few of all that may be, but for a server that has next to no slots.
func (l *link) channelAt(addr string) (string, error) {
	for i := range maxChannels {
		if channel := l.a.mesh.channel(l.a.uid) + strconv.Itoa(i); l.addrOf(channel) == addr {
			return channel, nil
		}
	}
	return "", fmt.Errorf("server %s of the Redis Cluster has too few slots", addr)
}

// maxChannels is enough for a server with a single slot.
const maxChannels = 1 << 19

// shardAt returns the connection to a server.
func (l *link) shardAt(addr string) (*shard, error) {
	if server := l.shards.servers[addr]; server != nil {
		return server, nil
	}
	client := l.client.Nodes()[addr]
	if client == nil {
		return nil, fmt.Errorf("server %s of the Redis Cluster is not known", addr)
	}
	own, err := l.channelAt(addr)
	if err != nil {
		return nil, err
	}
	dedicated, _ := client.Dedicate()
	server := &shard{DedicatedClient: dedicated, own: own}
	watch := &canary{what: "sharded subscriptions at " + addr, send: func(b *batch) {
		b.sign(b.l.client.B().Spublish().Channel(own).Message("").Build())
	}}
	c := l.a.newCodec()
	closed := server.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			if m.Channel == own {
				watch.heard.Add(1)
				watch.prove(time.Now())
				return
			}
			l.receive(watch, &c, m)
		},
		OnSubscription: func(s rueidis.PubSubSubscription) {
			if s.Kind == "sunsubscribe" && !l.shards.left(s.Channel) {
				l.fail(errMoved)
			}
		},
	})
	l.shards.readers.Go(func() { l.fail(fmt.Errorf("listen to %s: %w", addr, <-closed)) })
	if l.shards.servers == nil {
		l.shards.servers = map[string]*shard{}
	}
	l.shards.servers[addr] = server
	l.a.watch(watch)
	return server, nil
}

// leave notes that a channel is about to be unsubscribed.
func (s *shards) leave(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving == nil {
		s.leaving = map[string]bool{}
	}
	s.leaving[channel] = true
}

// left reports whether it was this node that has unsubscribed a channel. When a slot
// moves, the server does.
func (s *shards) left(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.leaving[channel]
	delete(s.leaving, channel)
	return was
}

// close closes the connections and waits for the last messages to be applied.
func (s *shards) close() {
	for _, server := range s.servers {
		server.Close()
	}
	s.readers.Wait()
}
