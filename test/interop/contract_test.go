package interop

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"sync"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

const greeting = "안녕하세요, 담소예요 🍵 ñ"

// serve gives the server what README.md promises.
func serve(srv *socketio.Server, gone *departures) {
	for _, name := range []string{"/", "/chat", "/a", "/b", "/token"} {
		serveNamespace(srv.Of(name), gone)
	}
	serveNamespace(srv.OfPattern(regexp.MustCompile(`^/dynamic-\d+$`)), gone)

	srv.Of("/refuse").Use(func(context.Context, *socketio.Socket) error {
		return &socketio.ConnectError{
			Message: "문 닫았습니다 🚪",
			Data: struct {
				Code int    `json:"code"`
				Why  string `json:"why"`
			}{7, "점심 시간"},
		}
	})
	srv.Of("/refuse-plain").Use(func(context.Context, *socketio.Socket) error {
		return errors.New("no entry")
	})
	srv.Of("/token").Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := json.Unmarshal(s.Handshake().Auth, &auth); err != nil || auth.Token != "secret" {
			return errors.New("no token")
		}
		return nil
	})
}

func serveNamespace(ns *socketio.Namespace, gone *departures) {
	ns.OnConnect(welcome)
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) {
		gone.add(s.ID(), reason)
	})
	ns.OnDisconnecting(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) { gone.leaves(s.ID(), s.Rooms()) })
	serveEvents(ns)
	serveRooms(ns)
	serveMany(ns)
	socketio.OnAck(ns, "conn", func(_ context.Context, s *socketio.Socket, _ socketio.Args) (state, error) {
		_, upgraded := gone.upgraded.Load(s.Conn())
		return state{s.Conn().Transport(), upgraded}, nil
	})
	socketio.OnAck(ns, "left", func(ctx context.Context, _ *socketio.Socket, id string) ([]string, error) {
		_, err := gone.wait(ctx, id)
		return gone.wasIn(id), err
	})
	ns.Handle("gone", func(ctx context.Context, _ *socketio.Socket, e *socketio.Event) error {
		var id string
		if err := e.Args.Decode(&id); err != nil {
			return err
		}
		reason, err := gone.wait(ctx, id)
		if err != nil {
			return nil // the asker has gone
		}
		return e.Ack(reason)
	})
	socketio.On(ns, "dismiss", func(_ context.Context, s *socketio.Socket, closeConnection bool) error {
		s.Disconnect(closeConnection)
		return nil
	})
}

func welcome(_ context.Context, s *socketio.Socket) error {
	h := s.Handshake()
	query := map[string]string{}
	for key := range h.Query {
		query[key] = h.Query.Get(key)
	}
	return s.Emit("welcome", struct {
		ID    string            `json:"id"`
		Query map[string]string `json:"query"`
		Auth  json.RawMessage   `json:"auth,omitempty"`
	}{s.ID(), query, h.Auth})
}

func serveEvents(ns *socketio.Namespace) {
	ns.Handle("echo", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
		args, err := values(e.Args)
		if err != nil {
			return err
		}
		if e.WantsAck() {
			return e.Ack(args...)
		}
		return s.Emit("echo", args...)
	})
	ns.Handle("question", func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
		args, err := values(e.Args)
		if err != nil {
			return err
		}
		answer, err := s.EmitWithAck(ctx, "question", args...)
		if err != nil {
			return err
		}
		if args, err = values(answer); err != nil {
			return err
		}
		return s.Emit("answered", args...)
	})
	socketio.OnAck(ns, "spell", func(_ context.Context, _ *socketio.Socket, text string) ([]rune, error) {
		return []rune(text), nil
	})
	socketio.On(ns, "greet", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error {
		return s.Emit("greeting", greeting, map[string]any{greeting: []byte(greeting)})
	})
	socketio.On(ns, "murmur", func(_ context.Context, s *socketio.Socket, said socketio.Raw) error {
		return s.EmitVolatile("heard", said)
	})
	serveNumbers(ns)
}

// number is the argument of the event of that name.
type number struct {
	I     int    `json:"i"`
	Bytes []byte `json:"bytes"`
}

func serveNumbers(ns *socketio.Namespace) {
	ns.Handle("burst", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
		var count int
		var binary bool
		if err := e.Args.Decode(&count, &binary); err != nil {
			return err
		}
		for i := range count {
			n := map[string]any{"i": i}
			if binary && i%10 == 0 {
				n["bytes"] = []byte{byte(i)}
			}
			if err := s.Emit("number", n); err != nil {
				return err
			}
		}
		return nil
	})
	// The events of one socket are handled one at a time, so its data needs no lock.
	socketio.On(ns, "number", func(_ context.Context, s *socketio.Socket, n number) error {
		numbers, _ := s.Data().([]int)
		s.SetData(append(numbers, n.I))
		return nil
	})
	socketio.OnAck(ns, "numbers", func(_ context.Context, s *socketio.Socket, _ socketio.Args) ([]int, error) {
		numbers, _ := s.Data().([]int)
		s.SetData(nil)
		return numbers, nil
	})
}

func serveRooms(ns *socketio.Namespace) {
	socketio.OnAck(ns, "join", func(_ context.Context, s *socketio.Socket, room string) (bool, error) {
		s.Join(room)
		return true, nil
	})
	socketio.OnAck(ns, "leave", func(_ context.Context, s *socketio.Socket, room string) (bool, error) {
		s.Leave(room)
		return true, nil
	})
	socketio.OnAck(ns, "rooms", func(_ context.Context, s *socketio.Socket, _ socketio.Args) ([]string, error) {
		return slices.Sorted(slices.Values(s.Rooms())), nil
	})
	// What is said may hold binary anywhere, so it is taken as it came.
	ns.Handle("say", func(_ context.Context, s *socketio.Socket, e *socketio.Event) error {
		var where struct {
			From       string
			To, Except []string
			Volatile   bool
		}
		var said socketio.Raw
		if err := e.Args.Decode(&where, &said); err != nil {
			return err
		}
		target := ns.To(where.To...)
		if where.From == "socket" {
			target = s.To(where.To...)
		}
		target = target.Except(where.Except...)
		if where.Volatile {
			target = target.Volatile()
		}
		return target.Emit("heard", said)
	})
}

// values are all arguments as they came, to be passed on.
func values(args socketio.Args) ([]any, error) {
	list := make([]any, args.Len())
	for i := range list {
		raw, err := args.Raw(i)
		if err != nil {
			return nil, err
		}
		list[i] = raw
	}
	return list, nil
}

// A state is that of a connection.
type state struct {
	Transport string `json:"transport"`
	Upgraded  bool   `json:"upgraded"`
}

// departures remembers why each socket went, and from which rooms, for whoever asks
// before or after; and which connections were upgraded.
type departures struct {
	upgraded sync.Map // by *engineio.Session

	mu      sync.Mutex
	reasons map[string]socketio.Reason
	rooms   map[string][]string
	changed chan struct{} // closed and replaced with each change
}

func newDepartures() *departures {
	return &departures{reasons: map[string]socketio.Reason{}, rooms: map[string][]string{}, changed: make(chan struct{})}
}

// observe is socketio.Options.Observe.
func (d *departures) observe(conn *engineio.Session) any {
	return onUpgrade(func() { d.upgraded.Store(conn, true) })
}

type onUpgrade func()

func (f onUpgrade) Upgraded() { f() }

func (d *departures) leaves(id string, rooms []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rooms[id] = slices.Sorted(slices.Values(rooms))
}

func (d *departures) wasIn(id string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rooms[id]
}

func (d *departures) add(id string, reason socketio.Reason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reasons[id] = reason
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *departures) wait(ctx context.Context, id string) (socketio.Reason, error) {
	for {
		d.mu.Lock()
		reason, ok := d.reasons[id]
		changed := d.changed
		d.mu.Unlock()
		if ok {
			return reason, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}
