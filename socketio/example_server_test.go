package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/damso/damso/socketio"
)

// Each team has a namespace of its own, made when the first of them comes.
func ExampleServer_OfPattern() {
	srv := socketio.NewServer(socketio.Options{CleanupEmptyChildNamespaces: true})
	defer srv.Close()

	teams := srv.OfPattern(regexp.MustCompile(`^/team-[a-z]+$`))
	socketio.On(teams, "say", func(ctx context.Context, s *socketio.Socket, text string) error {
		return s.Namespace().Emit("said", text) // to this team
	})
	_ = teams.Emit("news", "to all teams")
}

// Who has not answered within a second is told apart from what came.
func ExampleBroadcast_EmitWithAck() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	answers, err := srv.Of("/").To("jury").EmitWithAck(ctx, "vote")
	if missing := (*socketio.MissingError)(nil); errors.As(err, &missing) {
		fmt.Println("not counted:", missing.Sockets)
	} else if err != nil {
		return
	}
	for _, a := range answers {
		var yes bool
		if a.Args.Decode(&yes) == nil {
			fmt.Println(a.Socket, yes)
		}
	}
}

// The next "code" of this client is for the one who asked for it.
func ExampleSocket_Once() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	ns := srv.Of("/")
	ns.Handle("pay", func(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
		s.Once("code", func(ctx context.Context, s *socketio.Socket, code *socketio.Event) error {
			return e.Ack("paid")
		})
		return s.Emit("enter code")
	})
}

// In OnDisconnecting the rooms are still there.
func ExampleNamespace_OnDisconnecting() {
	srv := socketio.NewServer(socketio.Options{})
	defer srv.Close()

	ns := srv.Of("/")
	ns.OnDisconnecting(func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) {
		_ = ns.To(s.Rooms()[1:]...).Emit("left", s.ID())
	})
}
