package interop

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/auth"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/limit"
	"github.com/damso/damso/socketio"
)

// TestAuth runs the cases of JSON Web Tokens.
func TestAuth(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	secret := []byte("0123456789abcdef0123456789abcdef")
	socketio.OnAck(srv.Of("/"), "token", func(_ context.Context, _ *socketio.Socket, want struct {
		Sub     string
		Seconds int
	}) (string, error) {
		expires := time.Now().Add(time.Duration(want.Seconds) * time.Second)
		return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": want.Sub, "exp": expires.Unix()}).SignedString(secret)
	})
	a := auth.New[struct{}](auth.Options{
		Keys:           auth.Static{{Key: secret}},
		Sources:        []auth.Source{auth.FromAuth("token"), auth.FromQuery("token")},
		ExpiringBefore: 2500 * time.Millisecond,
	})
	members := srv.Of("/members")
	a.Protect(members)
	members.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		token, _ := auth.From[struct{}](ctx)
		return s.Emit("member", map[string]string{"sub": token.Subject})
	})
	serveEvents(members)
	runGroup(t, "auth", serveHTTP(t, srv), 9)
}

// TestLimit runs the cases of limits.
func TestLimit(t *testing.T) {
	opts := limit.Options{
		User: func(_ context.Context, s *socketio.Socket) string { return s.Handshake().Query.Get("user") },
		Events: map[string]limit.Rates{
			"rare":   {Socket: limit.Rate{Events: 3, Per: time.Hour}},
			"shared": {User: limit.Rate{Events: 4, Per: time.Hour}},
		},
		SocketsPerUser:     2,
		SessionsPerAddress: 2,
		TrustedProxies:     []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}
	limited := limit.New(opts)
	newest := limit.New(limit.Options{User: opts.User, SocketsPerUser: 1, ReplaceOldest: true})
	srv := socketio.NewServer(socketio.Options{
		Engine: engineio.Options{Admit: limited.Admit},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	limited.Protect(srv.Of("/limited"))
	newest.Protect(srv.Of("/newest"))
	same := func(_ context.Context, _ *socketio.Socket, v socketio.Raw) (socketio.Raw, error) { return v, nil }
	for _, name := range []string{"/", "/limited", "/newest"} {
		ns := srv.Of(name)
		serveEvents(ns)
		socketio.OnAck(ns, "rare", same)
		socketio.OnAck(ns, "shared", same)
	}
	runGroup(t, "limit", serveHTTP(t, srv), 6)
}

// runGroup runs a group of cases with every client over every transport.
func runGroup(t *testing.T, group, at string, atLeast int) {
	for _, client := range clients {
		for _, transport := range transports {
			t.Run(client+"/"+transport, func(t *testing.T) {
				t.Parallel()
				judge(t, addresses{URL: at}, client, transport, nil, atLeast, "DAMSO_GROUPS="+group)
			})
		}
	}
}
