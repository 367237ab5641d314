package engineio

import (
	"net"

	"github.com/damso/damso/internal/enginewire"
)

const probe = "probe"

var probeAnswer = textPacket(enginewire.Pong, probe)

// beginProbe lets conn try to take over from polling. It returns nil if the
// session can't be upgraded.
func (s *Session) beginProbe(conn net.Conn, base64 bool, d *deflater) *wsConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || s.ws != nil || s.probe != nil || s.srv.opts.NoUpgrades {
		return nil
	}
	s.probe = newWSConn(s, conn, false, base64, d)
	s.released = 0
	s.deadline = s.srv.clock() + s.srv.opts.UpgradeTimeout
	s.shard.schedule(s, s.deadline)
	return s.probe
}

// endProbe gives up an upgrade; mu is held.
func (s *Session) endProbe() {
	if s.probe != nil {
		s.probe.link.close()
		s.probe = nil
	}
	if s.state == stateOpen {
		s.deadline = 0
	}
}

// receiveProbe handles a packet on a connection that is not the transport yet:
// first "the client sends a ping packet with the payload probe", then, once it
// has stopped polling, "an upgrade packet".
func (s *Session) receiveProbe(c *wsConn, p enginewire.Packet) error {
	switch {
	case p.Type == enginewire.Ping && string(p.Data) == probe:
		if err := c.link.writeNow(probeAnswer.in(c.format())); err != nil {
			return err
		}
		s.mu.Lock()
		c.probed = true
		s.releasePoll()
		s.mu.Unlock()
		return nil
	case p.Type == enginewire.Upgrade:
		return s.upgrade(c)
	default:
		return errUnknownPacket
	}
}

// upgrade makes c the transport.
func (s *Session) upgrade(c *wsConn) error {
	s.mu.Lock()
	if s.probe != c || s.state == stateClosed || s.posting {
		s.mu.Unlock() // a client "must not send" over both transports
		return errUnknownPacket
	}
	from := s.kind()
	s.ws, s.probe = c, nil
	s.srv.counters.move(from, s.kind())
	c.active = true
	if s.resumed != nil {
		c.link.pause()
	}
	if s.poll != nil {
		s.poll.answer(noopPayload(s.protocol))
		s.poll = nil
	}
	write := s.mark()
	if s.state == stateOpen {
		s.deadline = 0
	} else {
		write = s.push(s.farewell(c)) || write
	}
	observed := s.observing&observesUpgrade != 0 && s.state == stateOpen
	s.mu.Unlock()
	if write {
		s.shard.write(s)
	}
	if observed {
		s.receiver.(UpgradeObserver).Upgraded()
	}
	return nil
}
