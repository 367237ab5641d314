package nats

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	natsgo "github.com/nats-io/nats.go"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

var (
	// ErrUnavailable means that there is no connection to NATS. Nothing is kept for
	// later: the other nodes will not get it.
	ErrUnavailable = errors.New("nats: not connected")

	// ErrQueueFull means that [Options.MaxQueued] or [Options.MaxQueuedBytes] were
	// already waiting to be published: NATS is slower than its publishers.
	ErrQueueFull = fmt.Errorf("nats: publish queue: %w", adapter.ErrFull)

	// ErrTooManyNamespaces means that [MaxNamespaces] are open.
	ErrTooManyNamespaces = errors.New("nats: too many namespaces are open")
)

// MaxNamespaces is how many namespaces a node may have open at a time.
const MaxNamespaces = 16_384

// Options are the choices of an [Adapter]. The zero value is ready.
type Options struct {
	// Prefix starts the names of all subjects: one or more tokens, with dots between
	// them. All nodes of a cluster have the same. If empty, it is "damso".
	Prefix string

	// Connect are options of the connection: credentials, TLS, names. The adapter sets
	// those about reconnecting, echo, and handlers itself.
	Connect []natsgo.Option

	// MaxQueued is how many operations, answers and messages may wait to be published.
	// If zero, it is 16,384.
	MaxQueued int

	// MaxQueuedBytes is how many bytes may wait to be published.
	// If zero, it is 16 MiB.
	MaxQueuedBytes int

	// MaxPending is how many messages may have arrived and wait to be worked off. What
	// comes when there are as many is lost, and counted in [Stats].
	// If zero, it is 65,536.
	MaxPending int

	// Logger gets one warning when the connection is lost and one line when it is
	// back. If nil, it is [slog.Default].
	Logger *slog.Logger
}

// An Adapter joins this node to the others that use the same NATS and the same prefix.
// It implements [adapter.Adapter] and [adapter.Mesh], and is safe for concurrent use.
type Adapter struct {
	// Set by New, then never written.
	url    string
	opts   Options
	log    *slog.Logger
	self   members.Node
	queue  *queue
	peers  *peers
	opened chan struct{} // has room for one: a namespace was opened or closed

	// Set before Run.
	receive func(from string, message []byte)
	watch   []func(node string, alive bool)

	running atomic.Bool   // Run was called
	limit   atomic.Int64  // bytes that the server takes at once
	asked   atomic.Uint64 // number of questions
	counts  counts

	mu         sync.RWMutex
	namespaces map[space]*namespace // guarded by mu
	version    uint64               // number of changes of namespaces; guarded by mu
	cause      error                // why there is no connection, nil if there is one; guarded by mu
}

var (
	_ adapter.Adapter = (*Adapter)(nil)
	_ adapter.Mesh    = (*Adapter)(nil)
	_ adapter.Counter = (*Adapter)(nil)
)

// errNotYet is the cause before the first connection, and errStopped the one after Run.
var (
	errNotYet  = errors.New("no connection yet")
	errStopped = errors.New("stopped")
)

// New returns the adapter of a node. url is that of a NATS server, or of several with
// commas between them, as nats.Connect takes it. It connects when Run is called.
func New(url string, opts Options) *Adapter {
	if opts.Prefix == "" {
		opts.Prefix = "damso"
	}
	if opts.MaxQueued == 0 {
		opts.MaxQueued = 16_384
	}
	if opts.MaxQueuedBytes == 0 {
		opts.MaxQueuedBytes = 16 << 20
	}
	if opts.MaxPending == 0 {
		opts.MaxPending = 65_536
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	self := newSelf()
	return &Adapter{
		url: url, opts: opts, log: opts.Logger, self: self, cause: errNotYet,
		queue: newQueue(opts.MaxQueued, opts.MaxQueuedBytes), peers: newPeers(self),
		opened: make(chan struct{}, 1), namespaces: map[space]*namespace{},
	}
}

// newSelf returns a random name for this run of the node.
func newSelf() members.Node {
	var b [16]byte
	rand.Read(b[:]) // never fails
	id := base64.RawURLEncoding.EncodeToString(b[8:])[:members.IDLen]
	return members.Node{ID: id, Instance: binary.BigEndian.Uint64(b[:8])}
}

// Ready implements [adapter.Adapter]. What is missing wraps [ErrUnavailable].
func (a *Adapter) Ready() error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.cause != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, a.cause)
	}
	for _, n := range a.namespaces {
		if !n.subscribed {
			return fmt.Errorf("%w: namespace %q is not subscribed yet", ErrUnavailable, n.name)
		}
	}
	if a.peers.collided() {
		return fmt.Errorf("%w: another node has the id %s", ErrUnavailable, a.self.ID)
	}
	return nil
}

// Open implements [adapter.Adapter].
func (a *Adapter) Open(nsp string, local adapter.Local) (adapter.Namespace, error) {
	n := &namespace{adapter: a, name: nsp, space: spaceOf(nsp), local: local}
	n.subject = a.opts.Prefix + ".ns." + n.space.String()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.namespaces[n.space] != nil {
		return nil, fmt.Errorf("nats: namespace %q is already open", nsp)
	}
	if len(a.namespaces) >= MaxNamespaces {
		return nil, ErrTooManyNamespaces
	}
	a.namespaces[n.space] = n
	a.changed()
	return n, nil
}

// changed lets Run see what namespaces are open; mu is held.
func (a *Adapter) changed() {
	a.version++
	select {
	case a.opened <- struct{}{}:
	default:
	}
}

// open returns the namespace if it is open, and otherwise nil.
func (a *Adapter) open(s space) *namespace {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.namespaces[s]
}

// all returns the namespaces that are open, and how often that has changed.
func (a *Adapter) all() (list []*namespace, version uint64) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, n := range a.namespaces {
		list = append(list, n)
	}
	return list, a.version
}

// put queues a frame for a subject. before may be nil; see queue.put.
func (a *Adapter) put(subject string, f *frame, before func() error) error {
	f.from = a.self
	data := f.encode()
	err := a.queue.put(item{subject, data}, func() error {
		if limit := a.limit.Load(); int64(len(data)) > limit {
			return fmt.Errorf("nats: publish %d bytes, the server takes %d: %w", len(data), limit, adapter.ErrTooLarge)
		}
		if before != nil {
			return before()
		}
		return nil
	})
	if err != nil {
		a.counts.dropped.Add(1)
	}
	return err
}

func (a *Adapter) inbox(id string) string { return a.opts.Prefix + ".node." + id }
func (a *Adapter) everybody() string      { return a.opts.Prefix + ".all" }
