// Package cluster lets any node of a cluster serve any client: requests for a session
// that another node has go there, over what joins the nodes already, and the answers come
// back. Load balancers then need not keep the requests of a client together.
//
// The id of a session begins with the id of the node that has it. A request that
// comes to another node is one message to there and one back. A WebSocket that comes
// to another node is relayed: the session stays where it is, the bytes of the connection
// travel. Whatever gets lost between nodes ends the session, whose client connects
// again; nothing is ever missing in the middle, or out of order.
package cluster

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
)

// Options configures a [Node].
type Options struct {
	// Patience is how long nothing may be heard of a connection that is relayed, before it
	// counts as lost: longer than the time in which a session's heartbeat shows. If zero,
	// it is 60 seconds.
	Patience time.Duration

	// AskAfter is how long a poll may wait at another node before that is asked whether
	// it has it: a little longer than a session lets a poll wait. If zero, it is 27
	// seconds.
	AskAfter time.Duration

	// MaxRequests is how many requests for sessions of other nodes may be under way
	// from here, and as many from others to here; one more is answered with status 503,
	// and so is one for a node that has more of them than are left for all: one that
	// does not answer leaves room for the others. If zero, it is 40,000.
	MaxRequests int

	// MaxBytes is how much data of clients may be under way to other nodes, or still be
	// coming from clients, in bytes; a request on top is answered with status 503. It
	// should be many times what a session's payload may be. If zero, it is 64 MiB.
	MaxBytes int

	// Logger gets what goes wrong between nodes. If nil, nothing is logged.
	Logger *slog.Logger
}

// A Node is this node among those of its cluster. It is an [engineio.Router] and safe
// for concurrent use.
type Node struct {
	// Set once.
	mesh    adapter.Mesh
	opts    Options
	id      string
	started time.Time
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	engine  *engineio.Server // set by Serve

	counters counters

	wg      sync.WaitGroup // of all goroutines
	drain   sync.Once
	drained chan struct{} // closed by Drain

	// Guarded by mu.
	mu       sync.Mutex
	next     uint64               // id of the next request or connection
	asked    map[uint64]*question // requests of clients here, by id
	load     map[string]int       // how many they are, by the node that is asked
	bytes    int                  // that clients here have posted, in them and before
	served   map[far]*task        // requests of clients elsewhere
	streams  map[far]*stream      // connections
	peers    map[string]*peer     // other nodes that something was sent to
	censuses map[uint64]*census
	parts    map[far]parts   // of bodies that are still to come
	kept     int             // bytes in them
	come     chan struct{}   // closed when a node comes, and replaced
	gone     []string        // nodes that went while this one was settling
	waiting  int             // requests for nodes that have not come
	foreign  map[string]bool // nodes that speak another version
	closed   bool
}

// far names something that another node and this one have in common.
type far struct {
	node   string
	id     uint64
	opener bool // the other node has opened it
}

// New returns a node on mesh, whose Run must not have begun.
func New(mesh adapter.Mesh, opts Options) *Node {
	if opts.Patience == 0 {
		opts.Patience = time.Minute
	}
	if opts.AskAfter == 0 {
		opts.AskAfter = 27 * time.Second
	}
	if opts.MaxRequests == 0 {
		opts.MaxRequests = 40_000
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 64 << 20
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Node{
		mesh: mesh, opts: opts, id: mesh.Node(), started: time.Now(), ctx: ctx, stop: stop, drained: make(chan struct{}),
		asked: map[uint64]*question{}, served: map[far]*task{}, streams: map[far]*stream{},
		peers: map[string]*peer{}, censuses: map[uint64]*census{}, parts: map[far]parts{},
		load: map[string]int{}, come: make(chan struct{}), foreign: map[string]bool{},
	}
	mesh.Receive(n.receive)
	mesh.Watch(n.watch)
	if m, ok := mesh.(adapter.MeshEcho); ok {
		m.Unheard(n.unheard)
	}
	return n
}

// Serve says which server has the sessions of this node. It must be called once, before
// the mesh runs.
func (n *Node) Serve(engine *engineio.Server) { n.engine = engine }

// Prefix implements [engineio.Router]: it is the node's id.
func (n *Node) Prefix() string { return n.id }

// Drain lets requests that wait here for other nodes end soon, without harm, since
// this node is about to stop: their clients go on with other nodes. It takes no more
// connections for sessions of other nodes. Leave ends those there are.
func (n *Node) Drain() {
	n.drain.Do(func() { close(n.drained) })
}

// Close gives up all that is under way. The mesh must still run, so that others are
// told. Nothing of the node goes on when it returns.
func (n *Node) Close() {
	n.mu.Lock()
	n.closed = true
	streams := slices.Collect(maps.Values(n.streams))
	n.mu.Unlock()
	for _, s := range streams {
		s.reset(errStopped)
	}
	n.stop()
	n.wg.Wait()
	n.mu.Lock()
	peers := slices.Collect(maps.Values(n.peers))
	n.mu.Unlock()
	for _, p := range peers {
		p.flush()
	}
}

var (
	errStopped = errors.New("cluster: this node stops")
	errLost    = errors.New("cluster: a message between nodes was lost")
	errNobody  = errors.New("cluster: no node has the session")
	errDead    = errors.New("cluster: the other node is gone")
	errForeign = errors.New("cluster: the other node is of another version")
)

// draining reports whether Drain was called.
func (n *Node) draining() bool {
	select {
	case <-n.drained:
		return true
	default:
		return false
	}
}

// start runs f on a goroutine that Close waits for, unless that was called.
func (n *Node) start(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.wg.Go(f)
	}
	return !n.closed
}

// owner returns the node that has a session.
func (n *Node) owner(session string) (string, error) {
	if len(session) <= len(n.id) || len(session) > maxSession {
		return "", errNobody
	}
	node := session[:len(n.id)]
	if node == n.id {
		return "", errNobody // else it would have been found
	}
	if _, ok := slices.BinarySearch(n.mesh.Nodes(), node); !ok {
		return "", errNobody
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.foreign[node] {
		return "", errForeign
	}
	return node, nil
}

// settlingTime is how long after its start a node may not know all others yet.
const settlingTime = 3 * time.Second

func (n *Node) settling() bool { return time.Since(n.started) <= settlingTime }

// note remembers what a node that has come or gone changes for those who wait for it.
func (n *Node) note(node string, alive bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.foreign, node)
	switch {
	case alive:
		close(n.come)
		n.come = make(chan struct{})
	case n.settling():
		n.gone = append(n.gone, node)
	}
}

// maybe reports whether a session may be one of a node that is not known yet; mu is held.
func (n *Node) maybe(session string) bool {
	return n.settling() && len(session) == sessionSize && !strings.HasPrefix(session, n.id) && !slices.Contains(n.gone, session[:len(n.id)])
}

// sessionSize is how long the id of a session is.
const sessionSize = 20

// find is owner that waits, while this node is settling, for the owner to show up: a load
// balancer may send it clients before it knows whose they are. MaxRequests may wait.
func (n *Node) find(ctx context.Context, session string) (node string, err error) {
	for over := false; ; {
		n.mu.Lock()
		come, wait, full := n.come, n.maybe(session) && !over, n.waiting >= n.opts.MaxRequests
		n.mu.Unlock()
		node, err = n.owner(session)
		switch {
		case err != errNobody || !wait:
			return node, err
		case full:
			return "", engineio.ErrBusy
		}
		n.wait(1)
		select {
		case <-come:
		case <-time.After(time.Until(n.started.Add(settlingTime))):
			over = true
		case <-ctx.Done():
			over = true
		case <-n.drained:
			over = true
		case <-n.ctx.Done():
			over = true
		}
		n.wait(-1)
	}
}

// wait counts requests that begin or cease to wait for a node.
func (n *Node) wait(more int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting += more
}

// receive takes a message of another node. It is called by the mesh.
func (n *Node) receive(from string, message []byte) {
	if len(message) > 0 && message[0] != version {
		n.meetForeign(from, message)
		return
	}
	if err := decode(message, func(r record) { n.handle(from, r) }); err != nil {
		n.opts.Logger.Warn("message of another node was dropped", "from", from, "bytes", len(message), "error", err)
	}
}

// meetForeign notes that a node speaks another version: their clients are not passed on,
// as that would only be found out after a time. A node of any version says which it
// has, by a message of that alone, when it gets one of another.
func (n *Node) meetForeign(from string, message []byte) {
	n.mu.Lock()
	known := n.foreign[from]
	n.foreign[from] = true
	n.mu.Unlock()
	if !known {
		n.opts.Logger.Warn("another node speaks another version: this one serves none of its clients", "node", from, "version", message[0])
		n.forget(from, errForeign)
	}
	if len(message) > 1 {
		_ = n.mesh.Send(from, []byte{version}) // it will ask again
	}
}

func (n *Node) handle(from string, r record) {
	switch r.kind {
	case kindPoll:
		if !n.whole(from, &r) {
			_ = n.mesh.Send(from, message(record{kind: kindGone, id: r.id})) // silence is an answer, too
			return
		}
		n.servePoll(from, r)
	case kindUpgrade:
		n.serveUpgrade(from, r)
	case kindReply, kindKnown, kindGone:
		if !n.whole(from, &r) {
			r.kind = kindGone
		}
		n.answered(from, r)
	case kindDelivered:
		n.engine.Delivered(r.session, from)
	case kindPart:
		n.keepPart(from, r)
	case kindCancel, kindRelease, kindAsk:
		n.serveAgain(from, r)
	case kindOpen:
		n.serveOpen(from, r)
	case kindCount:
		n.counted(from, r)
	case kindLeave:
		n.engine.CloseSession(r.session)
	default:
		n.relayed(from, r)
	}
}

// watch notes that another node has come or gone. It is called by the mesh.
func (n *Node) watch(node string, alive bool) {
	n.note(node, alive)
	if !alive {
		n.forget(node, errDead)
		n.engine.Undelivered(node)
	}
}

// unheard notes that messages to a node were lost, or with "" any messages. It is called by
// the mesh.
func (n *Node) unheard(node string) {
	if node != "" {
		n.forget(node, errLost)
		return
	}
	n.mu.Lock()
	streams := slices.Collect(maps.Values(n.streams))
	for _, q := range n.asked {
		select {
		case q.doubt <- struct{}{}:
		default:
		}
	}
	n.mu.Unlock()
	for _, s := range streams {
		s.remind()
	}
}

// forget gives up all that is under way between a node and this one.
func (n *Node) forget(node string, why error) {
	n.mu.Lock()
	var streams []*stream
	for _, q := range n.asked {
		if q.node == node {
			q.fail(why)
		}
	}
	for key, t := range n.served {
		if key.node == node {
			t.cancel()
		}
	}
	for key, s := range n.streams {
		if key.node == node {
			streams = append(streams, s)
		}
	}
	for key := range n.parts {
		if key.node == node {
			n.dropParts(key)
		}
	}
	if why == errDead {
		delete(n.peers, node)
		for _, c := range n.censuses {
			c.lost(node)
		}
	}
	n.mu.Unlock()
	for _, s := range streams {
		if why == errDead {
			s.broken(why)
		} else {
			s.reset(why)
		}
	}
}
