package socketio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
)

// startEngine starts the Engine.IO server, and joins it to those of the other nodes, if
// the adapter knows them.
func (s *Server) startEngine() {
	opts := s.opts.Engine
	mesh, ok := s.opts.Adapter.(adapter.Mesh)
	if !ok || s.opts.StickySessions || opts.Router != nil {
		s.engine = engineio.NewServer(s, opts)
		return
	}
	s.cluster = cluster.New(mesh, clusterOptions(&opts, s.log))
	opts.Router = s.cluster
	s.engine = engineio.NewServer(s, opts)
	s.cluster.Serve(s.engine)
}

// Drain refuses new clients and closes the connections of those there are, so many in a
// second, so that they find another node without haste. Connections that end here, of clients that
// other nodes have, are closed by those, at the same pace. It returns when all were told, or
// ctx's error when that ends before. Until Shutdown, which comes after it, requests of clients of
// other nodes are still served; polls among them are answered soon. There is no way back.
func (s *Server) Drain(ctx context.Context, perSecond float64) error {
	if s.cluster == nil {
		return s.engine.Drain(ctx, perSecond)
	}
	s.cluster.Drain()
	left := make(chan error, 1)
	go func() { left <- s.cluster.Leave(ctx, perSecond) }()
	return errors.Join(s.engine.Drain(ctx, perSecond), <-left)
}

// AwaitEmpty waits until the clients that Drain has told are gone: who closes the listener
// then, and calls Shutdown after that, turns none of them away before they know. It returns ctx's error
// if that ends before.
func (s *Server) AwaitEmpty(ctx context.Context) error {
	if err := s.engine.AwaitEmpty(ctx); err != nil || s.cluster == nil {
		return err
	}
	return s.cluster.AwaitLeft(ctx)
}

// Rebalance asks the other nodes how many clients they have, and closes so many
// connections in a second until this one has no more than the mean, so that a new node gets its
// share: the clients connect again, wherever the load balancer sends them. It returns how
// many it has closed. On a server without other nodes it does nothing.
func (s *Server) Rebalance(ctx context.Context, perSecond float64) (int, error) {
	if s.cluster == nil {
		return 0, nil
	}
	excess, err := s.cluster.Excess(ctx)
	if err != nil || excess <= 0 {
		return 0, err
	}
	return s.engine.Thin(ctx, excess, perSecond)
}

// clusterOptions fits the times between nodes to those of sessions.
func clusterOptions(o *engineio.Options, log *slog.Logger) cluster.Options {
	interval, timeout := o.PingInterval, o.PingTimeout
	if interval == 0 {
		interval = 25 * time.Second
	}
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	return cluster.Options{Patience: interval + 2*timeout, AskAfter: interval + 2*time.Second, Logger: log}
}
