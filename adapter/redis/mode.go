package redis

import "github.com/damso/damso/internal/clusterwire"

// A Mode is how the servers of a cluster are joined over Redis: which adapter of
// Node.js they use, or would use.
type Mode uint8

const (
	// Classic is PUB/SUB, as createAdapter of @socket.io/redis-adapter has it, and
	// socket.io-redis before that.
	Classic Mode = iota

	// ShardedDynamic is sharded PUB/SUB, of Redis 7, as createShardedAdapter of
	// @socket.io/redis-adapter has it if nothing is said: a room has a channel of its
	// own, to which those servers listen that have members of it. What is sent to a
	// socket's id, or to a room that has 20 characters as an id has, goes to all.
	ShardedDynamic
	// ShardedDynamicPrivate is ShardedDynamic with a channel for each socket's id, too:
	// subscriptionMode "dynamic-private".
	ShardedDynamicPrivate
	// ShardedStatic is sharded PUB/SUB in which everything goes to all:
	// subscriptionMode "static".
	ShardedStatic

	// Streams is a Redis stream, of which nothing is lost while it keeps it, as
	// @socket.io/redis-streams-adapter 0.3 has it.
	Streams
)

func (o *Options) wire() wire {
	switch o.Mode {
	case Streams:
		return streams{o.Streams}
	case ShardedDynamic:
		return sharded{clusterwire.Dynamic}
	case ShardedDynamicPrivate:
		return sharded{clusterwire.DynamicPrivate}
	case ShardedStatic:
		return sharded{clusterwire.Static}
	}
	return classic{exact: o.ExactRooms}
}
