package faults

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// A mortal is a node on a Redis Cluster that can be killed.
type mortal struct {
	srv     *socketio.Server
	adapter *redis.Adapter
	clients *siotest.Server
	gone    chan struct{} // a client has gone

	mu    sync.Mutex
	conns []net.Conn // to Redis; guarded by mu
	dead  bool       // guarded by mu
}

var errKilled = errors.New("killed")

func (m *mortal) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		conn.Close()
		return nil, errKilled
	}
	m.conns = append(m.conns, conn)
	return conn, nil
}

// kill lets nobody hear of the node any more.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	for _, conn := range m.conns {
		conn.Close()
	}
}

// bear starts a node, and returns when it is ready.
func bear(t *testing.T, c *redistest.Cluster, opts redis.Options) *mortal {
	t.Helper()
	m := &mortal{gone: make(chan struct{}, 1)}
	opts.Logger = slog.New(slog.DiscardHandler)
	m.adapter = redis.New(rueidis.ClientOption{InitAddress: c.Addrs(), DialCtxFn: m.dial}, opts)
	m.srv = socketio.NewServer(socketio.Options{Adapter: m.adapter, Recovery: &socketio.Recovery{}, Logger: opts.Logger})
	m.srv.Of("/").OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if !s.Recovered() {
			s.Join("room")
		}
		return nil
	})
	m.srv.Of("/").OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) { m.gone <- struct{}{} })
	t.Cleanup(func() { m.srv.Close() })
	m.clients = siotest.Listen(t, m.srv)
	adaptertest.WaitReady(t, m.adapter)
	return m
}

// A guest is a client that comes back, and counts the numbers that it is sent. When it is
// lax, one may overtake another.
type guest struct {
	*siotest.Client
	id, pid, offset string
	n               int
	has             map[string]bool
	lax             bool
}

// connect asks to come back, or comes first.
func (g *guest) connect(t *testing.T, at *mortal) {
	t.Helper()
	g.Client = at.clients.Open(siotest.Options{})
	auth := map[string]string{}
	if g.pid != "" {
		auth["pid"], auth["offset"] = g.pid, g.offset
	}
	data, _ := json.Marshal(auth)
	if err := g.Send("0" + string(data)); err != nil {
		t.Fatal(err)
	}
}

// read reads up to a number; the greeting is on the way.
func (g *guest) read(t *testing.T, to int) {
	t.Helper()
	for g.n < to || g.id == "" {
		text := g.Text()
		if greeting, ok := strings.CutPrefix(text, "0"); ok {
			g.greeted(t, greeting)
			continue
		}
		var event [3]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "2")), &event); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		n := fmt.Sprint(event[1])
		if g.n++; !g.lax && n != fmt.Sprint(g.n) || g.has[n] {
			t.Fatalf("got number %s as the %d. number; had it: %v", n, g.n, g.has[n])
		}
		g.has[n] = true
		g.offset = event[2].(string)
	}
}

func (g *guest) greeted(t *testing.T, text string) {
	t.Helper()
	var as struct{ SID, PID string }
	if err := json.Unmarshal([]byte(text), &as); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if g.id != "" && (as.SID != g.id || as.PID != g.pid) {
		t.Fatalf("came back as %q, was %q", as.SID, g.id)
	}
	g.id, g.pid = as.SID, as.PID
}

// A tour is a client that goes from node to node while numbers are sent to it.
type tour struct {
	t       *testing.T
	c       *redistest.Cluster
	opts    redis.Options
	speaker *mortal
	at      *mortal
	guest   guest
	said    int
	leave   func(from *mortal, g *guest)
}

// say sends the next numbers, each in another way.
func (o *tour) say(n int) {
	o.t.Helper()
	ns := o.speaker.srv.Of("/")
	for range n {
		o.emit([]func(string, ...any) error{ns.Emit, ns.To("room").Emit, ns.To(o.guest.id).Emit, ns.To("room", o.guest.id).Emit}[o.said%4])
	}
}

func (o *tour) emit(emit func(string, ...any) error) {
	o.t.Helper()
	o.said++
	if err := emit("n", o.said); err != nil {
		o.t.Fatal(err)
	}
}

// carry moves the keys of a slot one by one, and sends numbers meanwhile. Some are published
// where the keys were, and others where they are: there is no order between servers.
func (o *tour) carry(m *redistest.Move) {
	o.t.Helper()
	o.guest.lax = true
	for m.Keys(1) > 0 {
		o.say(1)
	}
}

// move lets the client go, misses something, and come back to another node while meanwhile
// happens.
func (o *tour) move(meanwhile func()) {
	o.t.Helper()
	o.say(3)
	o.guest.read(o.t, o.said)
	o.leave(o.at, &o.guest)
	o.say(8)
	o.at = bear(o.t, o.c, o.opts)
	o.say(1)
	o.guest.connect(o.t, o.at)
	meanwhile()
	o.say(8)
	o.guest.read(o.t, o.said)
	o.guest.lax = false
}

// newTour begins with a client that has heard something.
func newTour(t *testing.T, c *redistest.Cluster, opts redis.Options, leave func(from *mortal, g *guest)) *tour {
	o := &tour{t: t, c: c, opts: opts, leave: leave, speaker: bear(t, c, opts), at: bear(t, c, opts)}
	o.guest.has = map[string]bool{}
	o.guest.connect(t, o.at)
	o.guest.read(t, 0)
	return o
}

// killing has the node killed that a client is at, once the session is kept.
func killing(t *testing.T, c *redistest.Cluster) func(from *mortal, g *guest) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: c.Addrs(), DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return func(from *mortal, g *guest) {
		t.Helper()
		adaptertest.Wait(t, "kept", func() error {
			kept, err := client.Do(t.Context(), client.B().Hmget().Key("{socket.io}-session#/#"+g.pid).Field("o", "s").Build()).AsStrSlice()
			if err == nil && (kept[0] != from.adapter.Node() || !strings.Contains(kept[1], "room")) {
				err = fmt.Errorf("it is %q", kept)
			}
			return err
		})
		from.kill()
		g.Close()
	}
}

// TestRecoveryInCluster: clients come back to other nodes than those that they were at,
// which were killed, while what is kept of them moves from server to server of a Redis
// Cluster, bit by bit.
func TestRecoveryInCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	o := newTour(t, c, redis.Options{}, killing(t, c))
	slot := c.Slot("{socket.io}")
	o.move(func() {})
	for range 3 {
		m := c.StartMove(slot, (c.Owner(slot)+1)%3)
		o.move(func() {})
		o.move(func() { o.carry(m) })
		o.move(m.End)
		o.move(func() {})
	}
}

// TestStreamRecoveryInCluster is the same in mode Streams, where the nodes live on.
func TestStreamRecoveryInCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	opts := redis.Options{Mode: redis.Streams, Streams: redis.StreamOptions{Count: 3}}
	o := newTour(t, c, opts, func(from *mortal, g *guest) {
		g.Close()
		<-from.gone
	})
	o.move(func() {})
	for _, key := range []string{"sio:session:" + o.guest.pid, "socket.io-1"} {
		slot := c.Slot(key)
		m := c.StartMove(slot, (c.Owner(slot)+1)%3)
		o.move(func() {})
		o.move(func() { o.carry(m) })
		o.move(m.End)
		o.move(func() {})
	}
}
