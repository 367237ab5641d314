// Package redis joins the nodes of a cluster over Redis, in the wire formats of the
// Node.js adapters: @socket.io/redis-adapter 8 (for socket.io 3 and 4), plain and
// sharded, socket.io-redis 5 (for socket.io 2), @socket.io/redis-streams-adapter 0.3,
// and their emitters. Damso nodes and Node.js servers on the same Redis, in the same
// [Mode], are one cluster: they hear each other's broadcasts, and ask and answer each
// other.
//
// # On the wire
//
// In mode [Classic] each namespace is one pattern subscription per node, PREFIX#NSP#*,
// or with [Options.ExactRooms] one subscription for each room that has members there.
// A broadcast is one PUBLISH to PREFIX#NSP#, or to PREFIX#NSP#ROOM# if it goes to
// exactly one room. The payload is MessagePack, an array of three:
//
//	[uid, {type, data, nsp}, {rooms, except, flags}]
//
// The uid names the publisher, who gets its own messages back and drops them.
// data is the event with its arguments; binary parts stand in it as MessagePack
// binary. Between the wire and the JSON of [adapter.Event] the event is
// transcoded in one pass each way, keeping the order of keys.
//
// What is asked of servers is published to PREFIX-request#NSP#, in JSON where it has no
// binary parts, and answered on PREFIX-response#NSP#, or there on the channel of the one
// who has asked. Both dialects of it are understood; how many are to answer, Redis says,
// which counts the subscribers.
//
// # Modes
//
// In the sharded modes everything is SPUBLISHed as one object {type, data, uid, nsp}, in
// JSON or, with binary, in MessagePack: to the public channel PREFIX#NSP#, to
// PREFIX#NSP#ROOM# while rooms have channels of their own, and answers to
// PREFIX#NSP#UID# of the one who has asked. In mode [Streams], what is for sockets is
// added to a stream with the fields uid, nsp, type and data, and read from there on;
// questions and answers are PUBLISHed to the public and the asker's channel.
//
// In a Redis Cluster, sharded channels and streams are at the servers of their slots.
// There is order in each channel and each stream, and none between them.
//
// In mode Classic, clients may come back to another node than the one that they were at:
// [Adapter.OpenKept]. Their sessions, and what they may have missed, are on Redis then.
//
// # When Redis is away
//
// Nothing waits for Redis. While there is no connection, Publish returns
// [ErrUnavailable] at once, and Run tries again with a growing delay. PUB/SUB
// keeps nothing: what was published by others during the gap is not heard later. A
// stream is read on from where that ended, as far as it is kept.
//
// # Redis as it is run
//
// One server, Redis Cluster and Sentinel, with TLS and with users, are the business of
// the client options of [New]. What a user of Redis must be allowed to, mode by mode, is
// in docs/security.md; one who listens to patterns, in mode [Classic] without
// [Options.ExactRooms], needs allchannels or each pattern, since Redis compares patterns
// letter by letter. A Redis before 7.0 has no sharded PUB/SUB: [ErrNoShards].
//
// # The other Damso nodes
//
// Damso nodes give a sign of life every second on PREFIX-damso#, and send each other
// messages there: [Adapter.Send]. What comes back of the own signs proves that this
// node hears: [Adapter.Ready]. So it does, on channels and streams of its own, for every
// other connection that listens or reads.
package redis
