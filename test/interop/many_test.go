package interop

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/damso/damso/socketio"
)

// serveMany gives a namespace the events that are about rooms full of sockets, and
// about one's connection.
func serveMany(ns *socketio.Namespace) {
	ns.Handle("poll", func(ctx context.Context, _ *socketio.Socket, e *socketio.Event) error {
		var room string
		var ms int
		var what socketio.Raw
		if err := e.Args.Decode(&room, &ms, &what); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer cancel()
		answers, err := ns.To(room).EmitWithAck(ctx, "question", what)
		if missing := (*socketio.MissingError)(nil); err != nil && !errors.As(err, &missing) {
			return err
		}
		return e.Ack(map[string]any{"answers": sorted(answers), "complete": err == nil})
	})
	command := func(event string, do func(room, other string) error) {
		ns.Handle(event, func(_ context.Context, _ *socketio.Socket, e *socketio.Event) error {
			var room, other string
			if err := e.Args.Decode(&room, &other); err != nil {
				return err
			}
			return errors.Join(do(room, other), e.Ack())
		})
	}
	command("gather", func(room, into string) error { return ns.To(room).SocketsJoin(into) })
	command("scatter", func(room, from string) error { return ns.To(room).SocketsLeave(from) })
	command("expel", func(room, _ string) error { return ns.To(room).DisconnectSockets(false) })
	socketio.OnAck(ns, "who", func(ctx context.Context, _ *socketio.Socket, room string) ([]string, error) {
		sockets, err := ns.To(room).FetchSockets(ctx)
		ids := make([]string, 0, len(sockets))
		for _, s := range sockets {
			ids = append(ids, s.ID)
		}
		slices.Sort(ids)
		return ids, err
	})
	socketio.OnAck(ns, "handshake", func(_ context.Context, s *socketio.Socket, _ socketio.Args) (connection, error) {
		h := s.Handshake()
		return connection{h.URL, h.Secure, h.Header.Get("X-Damso"), h.Address, time.Since(h.Time).Abs() < time.Minute}, nil
	})
}

// A connection is what the server knows of it.
type connection struct {
	URL     string `json:"url"`
	Secure  bool   `json:"secure"`
	Header  string `json:"header"`
	Address string `json:"address"`
	Recent  bool   `json:"recent"`
}

// sorted are the first arguments of answers, which are texts.
func sorted(answers []socketio.Answer) []string {
	texts := make([]string, len(answers))
	for i, a := range answers {
		_ = a.Args.Decode(&texts[i]) // "" is not what the client wants
	}
	slices.Sort(texts)
	return texts
}
