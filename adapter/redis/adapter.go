package redis

import (
	"cmp"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

var (
	// ErrUnavailable means that there is no connection to Redis. Nothing is kept for
	// later: the other nodes will not get the operation.
	ErrUnavailable = errors.New("redis: not connected")

	// ErrQueueFull means that [Options.MaxQueued] or [Options.MaxQueuedBytes] were
	// already waiting to be published: Redis is slower than its publishers.
	ErrQueueFull = fmt.Errorf("redis: publish queue: %w", adapter.ErrFull)

	// ErrNoShards means that this Redis has no sharded PUB/SUB, which came with Redis 7.0:
	// the mode has to be another one.
	ErrNoShards = errors.New("no sharded PUB/SUB before Redis 7.0: take mode Classic, or Streams without Sharded")

	// ErrKind means that the operation is of a kind that this adapter does not know.
	ErrKind = fmt.Errorf("redis: not published: %w", adapter.ErrKind)
)

// Options are the choices of an [Adapter]. The zero value is ready.
type Options struct {
	// Prefix starts the names of all channels: "key" in the Node.js adapters. All
	// servers of a cluster have the same. If empty, it is "socket.io".
	Prefix string

	// Mode is how the servers of the cluster are joined. All have the same.
	Mode Mode

	// Streams are the choices of mode [Streams].
	Streams StreamOptions

	// SocketIO2 tells the adapter that servers with socket.io 2 are in the cluster.
	// They need another packet type for events with binary parts; servers with
	// socket.io 3 and 4 then cannot read these events. Events without binary parts
	// reach everyone either way. They end when they get MessagePack where they expect
	// JSON, so that only Damso nodes are asked for the acknowledgements of a broadcast:
	// the event goes to all clients, and the other servers are missing in the result.
	SocketIO2 bool

	// SpecificResponseChannel sends answers to the one who has asked, not to all:
	// publishOnSpecificResponseChannel of @socket.io/redis-adapter, from version 8 on.
	SpecificResponseChannel bool

	// Parser encodes messages: "parser" of @socket.io/redis-adapter. If nil, it is
	// MessagePack.
	Parser Parser

	// MaxQueued is how many operations may wait to be published.
	// If zero, it is 16,384.
	MaxQueued int

	// MaxQueuedBytes is how many bytes of events may wait to be published.
	// If zero, it is 16 MiB.
	MaxQueuedBytes int

	// ExactRooms lets a node in [Classic] mode subscribe to the channels of the rooms and
	// sockets that it has, one by one, instead of to all rooms of a namespace: it has no
	// work then with what is sent to others. It hears a room once Redis has taken the
	// subscription, some round trips after the first member joined. Others need not do
	// the same. A namespace with # in its name is listened to as a whole all the same.
	ExactRooms bool

	// Name is what people call this node: it is told to the other Damso nodes, for
	// their logs and figures. If empty, it is the host's name.
	Name string

	// Logger gets one warning when the connection is lost and one line when it is
	// back. If nil, it is [slog.Default].
	Logger *slog.Logger
}

// An Adapter joins this node to the others that use the same Redis and the same
// prefix. It implements [adapter.Adapter] and is safe for concurrent use.
type Adapter struct {
	// Set by New, then never written.
	client  rueidis.ClientOption
	opts    Options
	wire    wire
	log     *slog.Logger
	streams []*stream // what it reads in mode Streams
	uid     string    // names this node's broadcasts
	queue   *queue
	saves   *saves
	opened  chan struct{} // has room for one: a namespace was opened or closed
	mesh    *mesh

	running atomic.Bool // Run was called
	counts  counts

	mu         sync.RWMutex
	namespaces map[string]*namespace // by name; guarded by mu
	topics     map[string]wish       // by name; guarded by mu
	fading     []fading              // topics of rooms without members, the oldest first; guarded by mu
	changed    map[string]topicKind  // topics that the link has not looked at; guarded by mu
	listening  bool                  // the link has looked at all topics; guarded by mu
	cause      error                 // why there is no connection, nil if there is one; guarded by mu
	since      time.Time             // when there was a connection first, or none; guarded by mu
	canaries   []*canary             // of the connections, none while there are none; guarded by mu
	proven     time.Time             // when a link was found good last before the present one; guarded by mu
}

var (
	_ adapter.Adapter  = (*Adapter)(nil)
	_ adapter.MeshEcho = (*Adapter)(nil)
	_ adapter.Counter  = (*Adapter)(nil)
)

// errNotYet is the cause until the first connection.
var errNotYet = errors.New("not connected yet")

// New returns an adapter that will connect with the given client options. It does
// not touch the network: [Adapter.Run] does, and goes on trying while Redis is away.
//
// Where client leaves them zero, New sets timeouts that find out within 10 seconds
// that Redis hangs: Dialer.Timeout, Dialer.KeepAlive, ConnWriteTimeout. It makes the
// buffers of the connections 64 KiB. Client-side caching is off, and DialFn, which
// the client deprecates, is not used: DialCtxFn is.
func New(client rueidis.ClientOption, opts Options) *Adapter {
	if opts.Prefix == "" {
		opts.Prefix = "socket.io"
	}
	if opts.MaxQueued == 0 {
		opts.MaxQueued = 16_384
	}
	if opts.MaxQueuedBytes == 0 {
		opts.MaxQueuedBytes = 16 << 20
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.Name == "" {
		opts.Name, _ = os.Hostname()
	}
	self := members.Node{ID: newUID(), Instance: rand.Uint64(), Name: opts.Name}
	opts.Streams.setDefaults(opts.Prefix)
	a := &Adapter{
		client:     withDefaults(client),
		opts:       opts,
		wire:       opts.wire(),
		log:        opts.Logger,
		uid:        self.ID,
		queue:      newQueue(opts.MaxQueued, opts.MaxQueuedBytes),
		saves:      newSaves(),
		opened:     make(chan struct{}, 1),
		mesh:       newMesh(self, opts.Prefix),
		namespaces: make(map[string]*namespace),
		topics:     make(map[string]wish),
		changed:    make(map[string]topicKind),
		cause:      errNotYet,
		since:      time.Now(),
	}
	if opts.Mode == Streams {
		for _, name := range opts.Streams.names() {
			a.streams = append(a.streams, newStream(name, a.uid, a.newCodec()))
		}
	}
	return a
}

// withDefaults completes the options of the Redis client.
func withDefaults(o rueidis.ClientOption) rueidis.ClientOption {
	o.DisableCache = true
	o.DisableRetry = true // a command that fails ends the link; the client would try it for ever
	if o.Dialer.Timeout == 0 {
		o.Dialer.Timeout = 3 * time.Second
	}
	if o.Dialer.KeepAlive == 0 {
		o.Dialer.KeepAlive = 2 * time.Second // also the time between PINGs
	}
	if o.ConnWriteTimeout == 0 {
		o.ConnWriteTimeout = 4 * time.Second // how long a PING or PUBLISH may take
	}
	if o.Sentinel.MasterSet != "" && o.Sentinel.TopologyRefreshInterval == 0 {
		o.Sentinel.TopologyRefreshInterval = 2 * time.Second // in case that news of a failover is missed
	}
	if o.ReadBufferEachConn == 0 {
		o.ReadBufferEachConn = 64 << 10
	}
	if o.WriteBufferEachConn == 0 {
		o.WriteBufferEachConn = 64 << 10
	}
	return o
}

func (a *Adapter) newCodec() codec {
	return codec{parser: a.opts.Parser}
}

// newUID returns a name of the form that the Node.js adapters give themselves.
func newUID() string {
	b := make([]byte, members.IDLen)
	crand.Read(b)
	for i, c := range b {
		b[i] = members.Letters[c&63]
	}
	return string(b)
}

// Open implements [adapter.Adapter].
func (a *Adapter) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	n := newNamespace(a, nsp, local)
	if err := a.open(n); err != nil {
		return nil, err
	}
	return n, nil
}

func (a *Adapter) open(n *namespace) error {
	a.mu.Lock()
	_, taken := a.namespaces[n.name]
	if !taken {
		a.namespaces[n.name] = n
		for _, t := range n.topics {
			a.want(n, t)
		}
	}
	a.mu.Unlock()
	if taken {
		return fmt.Errorf("redis: namespace %q is already open", n.name)
	}
	a.wake()
	return nil
}

// wake lets the link look at which namespaces there are.
func (a *Adapter) wake() {
	select {
	case a.opened <- struct{}{}:
	default:
	}
}

// close forgets n, once.
func (a *Adapter) close(n *namespace) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.namespaces[n.name] != n {
		return
	}
	delete(a.namespaces, n.name)
	for _, t := range n.topics {
		a.unwant(n, t)
	}
	for t := range n.rooms {
		a.unwant(n, t)
	}
}

// Ready implements [adapter.Adapter].
func (a *Adapter) Ready() error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.cause != nil {
		return fmt.Errorf("%w for %v: %w", ErrUnavailable, time.Since(a.since).Round(time.Second), a.cause)
	}
	if a.mesh.collided() {
		return errCollided
	}
	var opening error
	for _, c := range a.canaries {
		err := c.ready()
		if err != nil && !errors.Is(err, adapter.ErrOpening) {
			return fmt.Errorf("redis: %s: %w", c.what, err)
		}
		opening = cmp.Or(opening, err)
	}
	return cmp.Or(a.opening(), opening)
}

// openGrace is how long a namespace may take to be subscribed while the node is taken
// for ready.
const openGrace = 2 * time.Second

// opening returns which namespace is not subscribed, one that should be long since if
// there is one; a.mu is held.
func (a *Adapter) opening() (err error) {
	for _, n := range a.namespaces {
		switch {
		case n.subscribed:
		case time.Since(n.opened) > openGrace:
			return fmt.Errorf("redis: namespace %q is not subscribed yet", n.name)
		default:
			err = fmt.Errorf("redis: namespace %q is not subscribed yet: %w", n.name, adapter.ErrOpening)
		}
	}
	return err
}

// Stats are counts since [New].
type Stats = adapter.Stats

type counts struct {
	published, dropped, received, undecodable, connects atomic.Uint64
	gaps, trimmed                                       atomic.Uint64
	gapTime, lastGap                                    atomic.Int64 // nanoseconds
}

// Stats implements [adapter.Counter].
func (a *Adapter) Stats() Stats {
	return Stats{
		Published:   a.counts.published.Load(),
		Dropped:     a.counts.dropped.Load(),
		Received:    a.counts.received.Load(),
		Undecodable: a.counts.undecodable.Load(),
		Connects:    a.counts.connects.Load(),
		Gaps:        a.counts.gaps.Load(),
		Trimmed:     a.counts.trimmed.Load(),
		GapTime:     time.Duration(a.counts.gapTime.Load()),
		LastGap:     time.Duration(a.counts.lastGap.Load()),
	}
}

// drop counts items that are not sent, and tells those who wait for them why.
func (a *Adapter) drop(items []item, err error) {
	for _, i := range items {
		if !i.urgent() {
			a.counts.dropped.Add(1)
		}
		i.fail(err)
	}
}

// failQueries ends all questions: no more answers will come.
func (a *Adapter) failQueries(err error) {
	a.eachNamespace(func(n *namespace) { n.failQueries(err) })
}

// eachNamespace calls f for the namespaces that are open.
func (a *Adapter) eachNamespace(f func(n *namespace)) {
	a.mu.RLock()
	namespaces := slices.Collect(maps.Values(a.namespaces))
	a.mu.RUnlock()
	for _, n := range namespaces {
		f(n)
	}
}
