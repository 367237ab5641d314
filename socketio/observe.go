package socketio

import "github.com/damso/damso/engineio"

// Conn returns the connection beneath the socket (socket.conn of socket.io): its
// transport and protocol, and its id, which is a secret of the client. It is for
// looking: what is sent by it, clients don't expect.
func (s *Socket) Conn() *engineio.Session { return s.conn.session }

// An observedConn is a conn whose events somebody wants to see.
type observedConn struct {
	*conn
	upgrade engineio.UpgradeObserver // each may be nil
	drain   engineio.DrainObserver
	packet  engineio.PacketObserver
}

// observed returns c, or c with what Options.Observe has for its session.
func (s *Server) observed(c *conn) engineio.Receiver {
	if s.opts.Observe == nil {
		return c
	}
	observer := s.opts.Observe(c.session)
	o := &observedConn{conn: c}
	o.upgrade, _ = observer.(engineio.UpgradeObserver)
	o.drain, _ = observer.(engineio.DrainObserver)
	o.packet, _ = observer.(engineio.PacketObserver)
	if o.upgrade == nil && o.drain == nil && o.packet == nil {
		return c
	}
	return o
}

// Upgraded implements [engineio.UpgradeObserver].
func (o *observedConn) Upgraded() {
	if o.upgrade != nil {
		o.upgrade.Upgraded()
	}
}

// Drained implements [engineio.DrainObserver].
func (o *observedConn) Drained() {
	if o.drain != nil {
		o.drain.Drained()
	}
}

// Packet implements [engineio.PacketObserver].
func (o *observedConn) Packet(typ byte, data []byte, binary bool) {
	if o.packet != nil {
		o.packet.Packet(typ, data, binary)
	}
}
