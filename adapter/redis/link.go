package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"
)

// closeGrace is how long the connections may still be used when Run is to end.
const closeGrace = time.Second

// A link is the adapter's connections to Redis from one time that they are made to
// the first that fails: one that listens and one that publishes, beside what the
// Redis client keeps for itself. Both are of one client, so that with Redis Cluster
// or Sentinel it is the client's business where to find Redis.
type link struct {
	// Set by connect, then never written.
	a      *Adapter
	client rueidis.Client
	cut    context.Context // ends when nothing may be waited for any more
	sub    rueidis.DedicatedClient
	pub    rueidis.DedicatedClient // owned by publish, once it runs
	closed <-chan error            // sub's end, with the reason
	failed chan error              // has room for one: why the link must end
	have   map[string]bool         // names of the topics that are subscribed; owned by listen
	shards shards                  // what listens to sharded channels in a Redis Cluster
	canary *canary                 // of sub

	heardAgain bool // that was told; owned by listen

	primary string // the server that Sentinel had named, "" without Sentinel; set by connect

	rx    codec  // owned by sub's reader
	tx    batch  // owned by publish
	items []item // owned by publish: the memory of what it has sent last
}

// runLink connects, and serves the connection until it fails or ctx ends. It returns
// how long there was a connection. When it returns, all that it started has ended.
func (a *Adapter) runLink(ctx context.Context) time.Duration {
	cut, stop := cutAfter(ctx, closeGrace)
	defer stop()
	l, err := a.connect(cut)
	switch {
	case err != nil && ctx.Err() != nil:
		return a.lost(errStopped)
	case err != nil:
		return a.lost(fmt.Errorf("connect: %w", err))
	}
	group, linked := errgroup.WithContext(ctx)
	group.Go(func() error { return l.listen(linked) })
	group.Go(func() error { return l.publish(linked) })
	group.Go(func() error { return l.readStreams(linked) })
	err = group.Wait()
	if ctx.Err() != nil {
		_ = a.queue.put(a.mesh.mail("", letterBye, nil))
		l.flush()
		l.save()
		err = errStopped
	}
	lasted := a.lost(err)
	l.close()
	return lasted
}

// cutAfter returns a context that ends a grace after ctx does. stop releases it.
func cutAfter(ctx context.Context, grace time.Duration) (cut context.Context, stop func()) {
	cut, cancel := context.WithCancel(context.WithoutCancel(ctx))
	timer := time.AfterFunc(time.Hour, cancel)
	timer.Stop()
	release := context.AfterFunc(ctx, func() { timer.Reset(grace) })
	return cut, func() {
		release()
		timer.Stop()
	}
}

// connect makes the connections. All are closed when cut ends.
func (a *Adapter) connect(cut context.Context) (*link, error) {
	client, err := rueidis.NewClient(cuttable(a.client, cut))
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, err
	}
	l := &link{a: a, client: client, cut: cut, failed: make(chan error, 1), have: map[string]bool{}}
	l.tx.l = l
	l.canary = &canary{what: "subscriptions", send: a.beat}
	a.watch(l.canary)
	l.tx.codec, l.rx = a.newCodec(), a.newCodec()
	l.primary = primary(client)
	l.sub, _ = client.Dedicate()
	l.closed = l.sub.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(m rueidis.PubSubMessage) { l.receive(l.canary, &l.rx, m) }})
	if err := l.pin(); err != nil {
		l.close()
		return nil, err
	}
	for _, s := range a.streams {
		s.watch(a)
		if err := l.locate(cut, s); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// cuttable makes the client close its network connections when cut ends.
func cuttable(o rueidis.ClientOption, cut context.Context) rueidis.ClientOption {
	dial := o.DialCtxFn
	if dial == nil {
		dial = dialTCP
	}
	o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(cut, cancel)()
		conn, err := dial(ctx, addr, d, t)
		if err == nil {
			context.AfterFunc(cut, func() { conn.Close() })
		}
		return conn, err
	}
	return o
}

func dialTCP(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
	if t != nil {
		return (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "tcp", addr)
	}
	return d.DialContext(ctx, "tcp", addr)
}

// close closes the connections and waits for the last message to be applied.
func (l *link) close() {
	l.shards.close()
	l.sub.Close()
	<-l.closed
	l.pub.Close()
	l.client.Close()
}

// primary returns the server that Sentinel says is the primary, "" without Sentinel.
// The client follows Sentinel, but its dedicated connections stay where they are: on
// one that was the primary, and for some seconds does not know that it is none any more.
func primary(client rueidis.Client) string {
	if client.Mode() == rueidis.ClientModeSentinel {
		for addr := range client.Nodes() {
			return addr
		}
	}
	return ""
}

// fail ends the link.
func (l *link) fail(err error) {
	select {
	case l.failed <- err:
	default: // it ends already
	}
}

// listen subscribes the mesh and all namespaces, and those that are opened later, and
// watches whether the connection hears, until it fails or ctx ends.
func (l *link) listen(ctx context.Context) error {
	if err := l.do(ctx, true, l.a.mesh.topics()); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	if err := l.subscribe(ctx); err != nil {
		return err
	}
	l.a.connected()
	l.a.beats()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.closed:
			return fmt.Errorf("listen: %w", err)
		case err := <-l.failed:
			return err
		case now := <-ticker.C:
			if err := l.tick(now); err != nil {
				return err
			}
		case <-l.a.opened:
			if err := l.subscribe(ctx); err != nil {
				return err
			}
		}
	}
}

// receive hands a message to its namespace. It is called by a connection's reader, which
// owns c; watch is that connection's.
func (l *link) receive(watch *canary, c *codec, m rueidis.PubSubMessage) {
	name := m.Pattern
	if name == "" {
		name = m.Channel
	}
	watch.heard.Add(1)
	if wanted := l.a.byTopic(name); len(wanted) > 0 {
		for _, n := range wanted {
			l.a.wire.receive(n, c, m)
		}
		return
	}
	if now := time.Now(); l.a.mesh.mine(name) && l.a.hear(bytesOf(m.Message), now) {
		watch.prove(now)
	}
}
