// Package emitter emits to the clients of a cluster from a process that has none
// itself: a worker, a command, a server of another sort. It writes to Redis what the
// servers of the cluster listen to, Damso's and those of Node.js, and links no server.
//
// With [Classic] it is compatible with @socket.io/redis-emitter 5, with [Streams] with
// @socket.io/redis-streams-emitter; for sharded PUB/SUB Node.js has no emitter.
package emitter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// A Mode is the way in which the servers of a cluster are joined over Redis: the
// adapter that they use.
type Mode uint8

const (
	Classic               Mode = iota // PUB/SUB: createAdapter of @socket.io/redis-adapter, socket.io-redis
	ShardedDynamic                    // createShardedAdapter, as it is if nothing is said
	ShardedDynamicPrivate             // createShardedAdapter with subscriptionMode "dynamic-private"
	ShardedStatic                     // createShardedAdapter with subscriptionMode "static"
	Streams                           // @socket.io/redis-streams-adapter
)

// Options say how the servers are joined. The zero value is what they do if nothing is
// said to them either.
type Options struct {
	Mode Mode

	// Prefix is what the servers call key, channelPrefix or streamName: the beginning of
	// the names of channels, or the name of the stream. If empty, it is "socket.io".
	Prefix string

	// StreamCount is the number of streams, in mode Streams. If zero, it is 1.
	StreamCount int

	// MaxLen is about how many entries a stream keeps, in mode Streams. If zero, it is
	// 10,000.
	MaxLen int64
}

var (
	// ErrReserved means that an event has a name that clients and servers use themselves.
	ErrReserved = errors.New("emitter: reserved event name")

	// ErrBinary means that ServerSideEmit was given binary, which has no form there in
	// mode Classic.
	ErrBinary = errors.New("binary in an event for servers")
)

// An Emitter emits to the clients of a namespace that its rooms select; without rooms,
// to all. It is immutable, and safe for concurrent use: To, Except and the others return
// another Emitter.
//
// A method that returns nil has had its message taken by Redis. Nobody tells whether a
// server has heard it.
type Emitter struct {
	client rueidis.Client
	wire   wire
	nsp    string
	op     adapter.Operation // who is selected, and the flags
}

// A wire writes operations to Redis.
type wire interface {
	command(b rueidis.Builder, nsp string, op *adapter.Operation) (rueidis.Completed, error)
}

// New returns an emitter for the namespace "/". The client stays the caller's, who may
// use it for other things too.
func New(client rueidis.Client, opts Options) *Emitter {
	if opts.Prefix == "" {
		opts.Prefix = "socket.io"
	}
	if opts.MaxLen == 0 {
		opts.MaxLen = 10_000
	}
	e := &Emitter{client: client, nsp: "/"}
	switch opts.Mode {
	case Classic:
		e.wire = classic{opts.Prefix}
	case Streams:
		e.wire = streams{opts}
	default:
		e.wire = newSharded(opts)
	}
	return e
}

// Of returns an emitter for another namespace, with or without the slash before it.
func (e *Emitter) Of(nsp string) *Emitter {
	if !strings.HasPrefix(nsp, "/") {
		nsp = "/" + nsp
	}
	return &Emitter{client: e.client, wire: e.wire, nsp: nsp}
}

// To selects the clients that are in at least one of the rooms, beside those that are
// selected already. A socket's id is a room too.
func (e *Emitter) To(rooms ...string) *Emitter {
	f := *e
	f.op.Rooms = with(e.op.Rooms, rooms)
	return &f
}

// In is To, which reads better before SocketsJoin and the like.
func (e *Emitter) In(rooms ...string) *Emitter { return e.To(rooms...) }

// Except leaves out the clients that are in at least one of the rooms.
func (e *Emitter) Except(rooms ...string) *Emitter {
	f := *e
	f.op.Except = with(e.op.Except, rooms)
	return &f
}

// with returns a list with more names, none of them twice.
func with(list, more []string) []string {
	list = slices.Clone(list)
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Volatile lets servers drop the event for clients that can't take it at once.
func (e *Emitter) Volatile() *Emitter {
	f := *e
	f.op.Flags.Volatile = true
	return &f
}

// Compress says whether the event is worth compressing. It is, if nothing is said.
func (e *Emitter) Compress(compress bool) *Emitter {
	f := *e
	f.op.Flags.NoCompress = !compress
	return &f
}

// Emit sends an event to the clients. Arguments are what encoding/json takes, in which
// []byte becomes binary, at any depth.
func (e *Emitter) Emit(ctx context.Context, event string, args ...any) error {
	if packet.Reserved(event) {
		return fmt.Errorf("%w: %q", ErrReserved, event)
	}
	op, err := e.event(adapter.Broadcast, event, args)
	if err != nil {
		return err
	}
	return e.send(ctx, op)
}

// ServerSideEmit sends an event to the servers themselves. Rooms and flags mean nothing
// to it. In mode Classic, binary arguments are an [ErrBinary].
func (e *Emitter) ServerSideEmit(ctx context.Context, event string, args ...any) error {
	op, err := e.event(adapter.ServerSide, event, args)
	if err != nil {
		return err
	}
	return e.send(ctx, op)
}

func (e *Emitter) event(kind adapter.Kind, event string, args []any) (*adapter.Operation, error) {
	op := e.op
	op.Kind = kind
	var err error
	if op.Event.Data, op.Event.Attachments, err = packet.Marshal(event, args...); err != nil {
		return nil, fmt.Errorf("emitter: encode arguments: %w", err)
	}
	return &op, nil
}

// SocketsJoin puts the clients into rooms.
func (e *Emitter) SocketsJoin(ctx context.Context, rooms ...string) error {
	op := e.op
	op.Kind, op.Names = adapter.Join, rooms
	return e.send(ctx, &op)
}

// SocketsLeave takes the clients out of rooms.
func (e *Emitter) SocketsLeave(ctx context.Context, rooms ...string) error {
	op := e.op
	op.Kind, op.Names = adapter.Leave, rooms
	return e.send(ctx, &op)
}

// DisconnectSockets takes the clients out of the namespace. With close it closes their
// connections, and so takes them out of all others.
func (e *Emitter) DisconnectSockets(ctx context.Context, close bool) error {
	op := e.op
	op.Kind, op.Close = adapter.Disconnect, close
	return e.send(ctx, &op)
}

func (e *Emitter) send(ctx context.Context, op *adapter.Operation) error {
	cmd, err := e.wire.command(e.client.B(), e.nsp, op)
	if err != nil {
		return fmt.Errorf("emitter: encode: %w", err)
	}
	if err := e.client.Do(ctx, cmd).Error(); err != nil {
		return fmt.Errorf("emitter: publish: %w", err)
	}
	return nil
}
