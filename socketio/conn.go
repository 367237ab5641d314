package socketio

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// A conn is one client's connection: it carries one socket per namespace that the
// client has joined.
type conn struct {
	// Set once.
	server  *Server
	session *engineio.Session

	partial *partial // a packet that waits for its attachments; owned by Receive
	dynamic bool     // has joined a namespace that may be gone; owned by Receive

	// Guarded by mu.
	mu      sync.Mutex
	sockets []*Socket // few: one per namespace
	living  int       // sockets with handlers at work or to come, also those that have left
	backlog int       // bytes of events that wait for handlers, of all sockets
	paused  bool      // the session, because of the backlog
	closed  bool
}

// A partial is a packet that waits for its attachments.
type partial struct {
	packet.Packet
	attachments [][]byte
}

// A client is read from no more while the events that wait for handlers, beside
// those that are being handled, have maxBacklog bytes, until they are down to
// minBacklog. An event counts eventOverhead bytes more than it has.
const (
	maxBacklog    = 1 << 20
	minBacklog    = maxBacklog / 4
	eventOverhead = 4 << 10
)

// maxSockets is how many namespaces one client may have joined at a time. One that
// it has left counts until the handlers are done with it.
const maxSockets = 256

var (
	errState    = errors.New("socketio: packet does not fit the state of its namespace")
	errBinary   = errors.New("socketio: binary message without a packet that announced it")
	errNoBinary = errors.New("socketio: text message where an attachment was due")
	errText     = errors.New("socketio: text message where MessagePack was due")
	errSockets  = fmt.Errorf("socketio: more than %d namespaces on one connection", maxSockets)
)

// Open takes a new session. It is called by the Engine.IO server.
func (s *Server) Open(session *engineio.Session) engineio.Receiver {
	c := &conn{server: s, session: session}
	session.CloseAfter(s.opts.ConnectTimeout)
	if session.Protocol() == 3 {
		// Clients of protocol 3 are in the main namespace without asking.
		_ = c.connect(packet.Packet{Namespace: "/"}) // can't fail on a new conn
	}
	return s.observed(c)
}

// Receive takes a message of the client. It is called by the session.
func (c *conn) Receive(data []byte, binary bool) {
	var err error
	switch {
	case c.server.opts.Parser == MessagePack:
		err = c.unpack(data, binary)
	case binary:
		err = c.attach(data)
	default:
		err = c.decode(data)
	}
	if err != nil {
		c.server.log.Debug("client broke the protocol", "session", c.session.Request().RemoteAddr, "error", err)
		c.end(ParseError, err)
	}
}

// decode takes a packet, or the part of it before its attachments.
func (c *conn) decode(text []byte) error {
	if c.partial != nil {
		return errNoBinary
	}
	p, err := packet.Decode(text, c.server.opts.MaxAttachments)
	if err != nil {
		return err
	}
	p.Data = slices.Clone(p.Data) // text is only valid during the call
	if p.Attachments > 0 {
		c.partial = &partial{Packet: p}
		return nil
	}
	return c.handle(p, nil)
}

// unpack takes a packet in MessagePack.
func (c *conn) unpack(data []byte, binary bool) error {
	if !binary {
		return errText
	}
	p, attachments, err := unpackPacket(slices.Clone(data)) // data is only valid during the call
	if err != nil {
		return err
	}
	return c.handle(p, attachments)
}

// attach takes an attachment of the packet before.
func (c *conn) attach(data []byte) error {
	if c.partial == nil {
		return errBinary
	}
	c.partial.attachments = append(c.partial.attachments, slices.Clone(data))
	if len(c.partial.attachments) < c.partial.Attachments {
		return nil
	}
	p := c.partial
	c.partial = nil
	return c.handle(p.Packet, p.attachments)
}

// handle takes a complete packet.
func (c *conn) handle(p packet.Packet, attachments [][]byte) error {
	if p.Type == packet.Connect {
		return c.connect(p)
	}
	s := c.socket(p.Namespace)
	if s == nil {
		if p.Type == packet.Disconnect || c.dynamic || c.server.namespace(p.Namespace) != nil {
			return nil // it may have been disconnected while this was on its way
		}
		return errState
	}
	switch p.Type {
	case packet.Event, packet.BinaryEvent:
		s.queue(&Event{socket: s, id: p.ID, wantsAck: p.HasID, data: p.Data, attachments: attachments})
		return nil
	case packet.Ack, packet.BinaryAck:
		return s.acknowledged(p, attachments)
	case packet.Disconnect:
		s.leave(ClientNamespaceDisconnect, nil, nil)
		return nil
	default:
		return errState
	}
}

// connect lets the client join a namespace, once its middlewares allow it.
func (c *conn) connect(p packet.Packet) error {
	if p.Query != "" && c.session.Protocol() == 4 {
		p.Namespace += "?" + p.Query // a part of the name, as in any other packet
	}
	ns, err := c.server.enter(p.Namespace, p.Data)
	if err != nil {
		c.session.Send(c.server.encodePacket(connectError(c.session.Protocol(), p.Namespace, err), nil))
		return nil
	}
	joins, err := c.join(ns, p)
	if !joins {
		ns.exit()
	}
	return err
}

// join makes the client's socket in ns, unless there is one or may be none.
func (c *conn) join(ns *Namespace, p packet.Packet) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return false, nil
	case c.find(p.Namespace) >= 0:
		if c.session.Protocol() == 3 {
			return false, nil // it may ask for the main namespace, where it is already
		}
		return false, errState
	case c.living >= maxSockets:
		return false, errSockets
	}
	c.dynamic = c.dynamic || ns.parent != nil
	s := newSocket(ns, c, p)
	c.sockets = append(c.sockets, s)
	c.living++
	s.start()
	return true, nil
}

func (c *conn) socket(nsp string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.find(nsp); i >= 0 {
		return c.sockets[i]
	}
	return nil
}

// find returns the index of the socket in a namespace, or -1; mu is held.
func (c *conn) find(nsp string) int {
	return slices.IndexFunc(c.sockets, func(s *Socket) bool { return s.ns.name == nsp })
}

// remove forgets a socket that has left; mu is held.
func (c *conn) remove(s *Socket) {
	if i := slices.Index(c.sockets, s); i >= 0 {
		c.sockets = slices.Delete(c.sockets, i, i+1)
	}
}

// over notes that the handlers are done with a socket.
func (c *conn) over() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.living--
}

// take returns the sockets and forgets them, for the end of the connection.
func (c *conn) take() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	sockets := c.sockets
	c.sockets, c.closed = nil, true
	return sockets
}

// Closed takes the end of the session. It is called by the session.
func (c *conn) Closed(reason engineio.Reason, err error) {
	for _, s := range c.take() {
		s.leave(c.reason(reason), err, nil)
	}
}

// reason is r in the words of socket.io. While the server shuts down, a client may
// be faster than this side to end the connection.
func (c *conn) reason(r engineio.Reason) Reason {
	if (r == engineio.ForcedClose || r == engineio.TransportClose) && c.server.engine.Closing() {
		return ServerShuttingDown
	}
	return Reason(r)
}

// end closes the connection from this side.
func (c *conn) end(reason Reason, err error) {
	for _, s := range c.take() {
		s.leave(reason, err, nil)
	}
	c.session.Close()
}

// raise counts an event of n bytes that waits for its handler.
func (c *conn) raise(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backlog += n; c.backlog >= maxBacklog && !c.paused {
		c.paused = true
		c.session.Pause()
	}
}

// handled counts an event that waits no more.
func (c *conn) handled(e *Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lower(e.size())
}

// lower undoes raise; mu is held.
func (c *conn) lower(n int) {
	if c.backlog -= n; c.backlog <= minBacklog && c.paused {
		c.paused = false
		c.session.Resume()
	}
}
