package cluster

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/damso/damso/engineio"
)

// readSize is how much is read from a client at once.
const readSize = 4 << 10

// Relay implements [engineio.Router]. A goroutine reads from conn, and one writes to it.
func (n *Node) Relay(u *engineio.Upgrade, conn net.Conn, rest []byte) {
	s := n.open(u)
	if s == nil {
		_ = conn.Close()
		return
	}
	if _, err := s.TryWrite(rest); err != nil { // it is less than a window
		_ = conn.Close()
		return
	}
	inward := n.start(func() { n.relayIn(s, conn) })
	if !inward || !n.start(func() { n.relayOut(s, conn) }) {
		s.reset(errStopped)
		_ = conn.Close()
	}
}

// open opens a stream to the session of u, or returns nil if that can't be.
func (n *Node) open(u *engineio.Upgrade) *stream {
	node, err := n.owner(u.Session)
	if err != nil {
		return nil
	}
	n.mu.Lock()
	n.next++
	id := n.next
	n.mu.Unlock()
	s := n.newStream(node, id, u.Session)
	if s == nil {
		return nil
	}
	r := upgradeRecord(kindOpen, u)
	r.id = id
	s.peer.send(r)
	if n.draining() {
		s.leave() // Leave may not have seen it
	}
	return s
}

// relayIn passes on what the client sends.
func (n *Node) relayIn(s *stream, conn net.Conn) {
	buf := make([]byte, readSize)
	for {
		k, err := conn.Read(buf)
		if k > 0 {
			if _, err := s.Write(buf[:k]); err != nil {
				return // relayOut closes the connection
			}
		}
		if err != nil {
			s.CloseWrite()
			return
		}
	}
}

// relayOut hands the client what the session sends, and closes the connection after
// that. A client that takes nothing for too long is lost, as is a node that says
// nothing: in between there would be heartbeats. Close waits for neither.
func (n *Node) relayOut(s *stream, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(n.ctx, func() { _ = conn.Close() })() // else a write could go on
	defer s.Close()
	for {
		_ = s.SetReadDeadline(time.Now().Add(n.opts.Patience))
		data, err := s.next()
		if err != nil {
			return
		}
		_ = conn.SetWriteDeadline(time.Now().Add(n.opts.Patience))
		if _, err := conn.Write(data); err != nil {
			return
		}
		s.done(len(data))
	}
}

// serveOpen attaches a connection that another node has to a session here.
func (n *Node) serveOpen(from string, r record) {
	if s := n.newStream(from, r.id, ""); s != nil {
		n.engine.ServeUpgrade(upgradeOf(&r), s)
	}
}

// relayed takes what belongs to a stream.
func (n *Node) relayed(from string, r record) {
	key := far{from, r.id, r.flags&flagOpener != 0}
	n.mu.Lock()
	s := n.streams[key]
	n.mu.Unlock()
	switch {
	case s == nil && r.kind == kindData:
		answer := record{kind: kindReset, id: r.id}
		if !key.opener {
			answer.flags = flagOpener
		}
		n.peer(from).send(answer)
	case s == nil:
	case r.kind == kindReset:
		s.broken(errBroken)
	default:
		s.take(r)
	}
}

// errBroken says that the other side has given a stream up.
var errBroken = errors.New("cluster: the connection to the other node is broken")

// broken ends the stream because the other side said so, or is not there any more.
func (s *stream) broken(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.endLocked(why)
	}
}
