package main

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/settings"
)

type devCmd struct{}

// Run serves two nodes until ctx ends: on NODE_PORT, and on the port after it.
func (devCmd) Run(ctx context.Context, a *app) error {
	if err := a.configure(); err != nil {
		return err
	}
	if a.settings.NodePort == 65535 {
		return settings.Faults{{Where: "NODE_PORT", Problem: "65535 leaves no port for the second node", Example: "NODE_PORT=3000"}}
	}
	a.settings.NodeID = "" // one name can't be that of two
	connect, line, stop, err := a.devBroker()
	if err != nil {
		return err
	}
	defer stop()

	group, ctx := errgroup.WithContext(ctx)
	fmt.Fprintf(a.out, "Damso %s\n", version())
	var nodes []*node
	for _, port := range devPorts(a.settings.NodePort) {
		n, err := newNode(a.settings, port, connect(), a.log)
		if err != nil {
			for _, n := range nodes {
				_ = n.stop()
			}
			return err
		}
		fmt.Fprintf(a.out, "  node %-12s %s\n", n.id, n.url())
		nodes = append(nodes, n)
	}
	fmt.Fprintf(a.out, "  %s\nOpen both pages and talk. Ctrl+C ends it.\n", line)
	for _, n := range nodes {
		group.Go(func() error { return n.serve(ctx) })
	}
	return group.Wait()
}

// devPorts are first and the port after it, or two that the system chooses.
func devPorts(first uint16) [2]uint16 {
	if first == 0 {
		return [2]uint16{}
	}
	return [2]uint16{first, first + 1}
}

// devBroker returns how the nodes get their adapters: to the Redis of the
// settings, or to a broker in this process.
func (a *app) devBroker() (connect func() adapter.Adapter, line string, stop func(), err error) {
	if len(a.settings.RedisHosts) > 0 {
		return a.adapter, a.brokerLine(), func() {}, nil
	}
	broker, err := miniredis.Run()
	if err != nil {
		return nil, "", nil, fmt.Errorf("start the broker: %w", err)
	}
	connect = func() adapter.Adapter {
		return redis.New(rueidis.ClientOption{
			InitAddress:  []string{broker.Addr()},
			AlwaysRESP2:  true, // all that the broker speaks
			DisableCache: true,
		}, redis.Options{Logger: a.log})
	}
	return connect, "broker          in this process (set REDIS_HOST to use a Redis)", broker.Close, nil
}
