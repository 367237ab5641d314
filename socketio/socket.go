package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"sync"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio/packet"
)

// A Socket is one client in one namespace. It is safe for concurrent use.
type Socket struct {
	// Set once.
	ns   *Namespace
	conn *conn
	id   string // changed once, if the socket is recovered, before handlers see it
	auth string // what the client sent to join: JSON, or a query in protocol 4

	begun   bool // join was called; owned by run
	entered bool // is or was a member; owned by run

	// Guarded by ns.mu.
	places []place
	epoch  uint64
	line   *line // nil without recovery, and before it is connected
	seat   *seat // nil without a stream, and before it is connected

	// Guarded by mu.
	mu        sync.Mutex
	state     state
	events    []*Event // wait for their handlers
	running   bool     // a goroutine handles them
	reason    Reason   // of the disconnection
	acks      map[uint64]chan<- answer
	done      chan struct{} // closed on disconnection; nil until somebody asks
	recovered bool
	data      any
	extra     *extra // nil until there is any
}

// state is where a socket is in its life.
type state uint8

const (
	connecting   state = iota // middlewares are at it
	connected                 // the client was told so
	disconnected              // it has left; handlers may still be at it
)

func newSocket(ns *Namespace, c *conn, p packet.Packet) *Socket {
	s := &Socket{ns: ns, conn: c}
	if c.session.Protocol() == 4 {
		s.id = newID() // not the session's, which is a secret
		s.auth = string(p.Data)
		return s
	}
	// Clients of protocol 3 work their ids out by themselves.
	s.id, s.auth = c.session.ID(), p.Query
	if ns.name != "/" {
		s.id = ns.name + "#" + s.id
	}
	return s
}

const idSize = 20

// newID returns idSize characters that nobody can guess.
func newID() string {
	var b [idSize / 4 * 3]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID returns the socket's id, which is also the name of a room with this socket
// alone.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Connected says whether the client is connected to the namespace.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == connected
}

// DisconnectReason returns why the socket was disconnected, "" if it was not. err
// is what socket.io calls the description: what was wrong with the connection, or
// the error that refused the client, nil if nothing is known of that kind.
func (s *Socket) DisconnectReason() (reason Reason, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra != nil {
		err = s.extra.cause
	}
	return s.reason, err
}

// Data returns what SetData was given, nil before.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData keeps something of the application's with the socket.
//
// With a [Recovery] over nodes it is kept in JSON, by the rules of encoding/json, and
// must not be changed afterwards.
func (s *Socket) SetData(v any) {
	s.setData(v)
	if s.recoverable() {
		s.ns.history.touched(s)
	}
}

func (s *Socket) setData(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = v
}

// Join puts the socket into rooms. Called in a middleware, it does so once the
// client is let in. A socket that is disconnected is in none.
func (s *Socket) Join(rooms ...string) {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	if s.joinEarly(rooms) {
		return
	}
	for _, room := range rooms {
		s.ns.members.join(s, room)
	}
}

// Leave takes the socket out of a room.
func (s *Socket) Leave(room string) {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	if !s.leaveEarly(room) {
		s.ns.members.leave(s, room)
	}
}

// Rooms returns the rooms that the socket is in, its own id first, and nothing
// once it is disconnected, but for handlers of [Namespace.OnDisconnecting].
func (s *Socket) Rooms() []string {
	s.ns.mu.Lock()
	defer s.ns.mu.Unlock()
	if rooms := s.ns.members.roomsOf(s); rooms != nil {
		return rooms
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.extra == nil {
		return nil
	}
	return slices.Clone(s.extra.rooms)
}

// Emit sends an event to this client. It does not wait. The error says that an
// argument can't be encoded, or that the event's name is a reserved one, or is
// [ErrDisconnected]. Binary arguments are not copied: they must not be changed
// afterwards.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(false, event, args)
}

// EmitVolatile is Emit, except that the event is dropped if the client can't take
// it at once.
func (s *Socket) EmitVolatile(event string, args ...any) error {
	return s.emit(true, event, args)
}

func (s *Socket) emit(volatile bool, event string, args []any) error {
	e, err := marshal(event, args)
	if err != nil {
		return err
	}
	if s.recoverable() {
		return s.emitLogged(e, volatile)
	}
	if !s.Connected() {
		return ErrDisconnected
	}
	if s.ns.stream != nil {
		to := Broadcast{ns: s.ns, rooms: []string{s.id}}
		to.flags.Volatile = volatile
		to.send(e)
		return nil
	}
	send := s.conn.session.Send
	if volatile {
		send = s.conn.session.SendVolatile
	}
	if policed := send; s.ns.handlers.Load().slow != CloseSlow {
		send = func(m *engineio.Message) {
			s.ns.ifSlow(m, e, adapter.Flags{})
			policed(m)
		}
	}
	send(s.ns.server.encodeEvent(s.ns.name, e))
	s.ns.handlers.Load().sent(e, s)
	return nil
}

// To selects the sockets in these rooms, but not this one, for a broadcast.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Broadcast selects all sockets of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return s.ns.Except(s.id) }

// Disconnect takes the client out of the namespace, and with closeConnection out
// of all namespaces, closing its connection. Events of the client that still wait
// for their handlers are dropped. A socket that has left stays as it is.
func (s *Socket) Disconnect(closeConnection bool) {
	if s.recoverable() {
		s.ns.history.abandon(s)
	}
	if !closeConnection {
		s.kick()
		return
	}
	for _, s := range s.conn.take() {
		s.kick()
	}
	s.conn.session.Close()
}

func (s *Socket) kick() {
	farewell := packet.Packet{Type: packet.Disconnect, Namespace: s.ns.name}
	s.leave(ServerNamespaceDisconnect, nil, s.ns.server.encodePacket(farewell, nil))
}
