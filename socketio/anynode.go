package socketio

import (
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
	s.cluster = cluster.New(mesh, cluster.Options{Patience: patience(&opts), Logger: s.log})
	opts.Router = s.cluster
	s.engine = engineio.NewServer(s, opts)
	s.cluster.Serve(s.engine)
}

// patience is longer than any session is silent: a heartbeat and one more timeout.
func patience(o *engineio.Options) time.Duration {
	interval, timeout := o.PingInterval, o.PingTimeout
	if interval == 0 {
		interval = 25 * time.Second
	}
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	return interval + 2*timeout
}
