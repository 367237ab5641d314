// Jwt is a chat for those who are logged in: clients bring a JSON Web Token, are told
// before it expires, and refresh it in place.
//
//	go run ./examples/jwt
//
// And in a browser's or Node's socket.io-client:
//
//	const login = async () => (await fetch("http://localhost:3000/login?name=minsu", { method: "POST" })).text();
//	const socket = io("http://localhost:3000/chat", { auth: { token: await login() } });
//	socket.on("connect_error", (err) => console.error(err.message, err.data));  // { code: "token_expired", … }
//	socket.on("said", console.log);                                             // { name: "minsu", text: "hello" }
//	socket.on("exception", console.error);
//	socket.on("token_expiring", async () => socket.emit("auth:refresh", await login(), console.log));
//	socket.emit("say", "hello");
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/auth"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/limit"
	"github.com/damso/damso/socketio"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", *addr)
	if err == nil {
		slog.Info("listening", "addr", l.Addr().String())
		err = run(ctx, l)
	}
	if err != nil {
		slog.Error("chat ended", "error", err)
		os.Exit(1)
	}
}

// User is what our tokens say beyond the standard.
type User struct {
	Name string `json:"name"`
}

// Said is what somebody said.
type Said struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// run serves the chat until ctx ends.
func run(ctx context.Context, l net.Listener) error {
	secret := make([]byte, 32) // of this process: a restart logs everybody out
	_, _ = rand.Read(secret)   // never fails

	tokens := auth.New[User](auth.Options{
		Keys:     auth.Static{{Key: secret}},
		Audience: []string{"chat"},
	})
	limits := limit.New(limit.Options{
		Events: map[string]limit.Rates{"say": {User: limit.Rate{Events: 2, Burst: 5}}},
		User: func(ctx context.Context, _ *socketio.Socket) string {
			token, _ := auth.From[User](ctx)
			return token.Subject
		},
		SocketsPerUser:     5,
		SessionsPerAddress: 100,
	})

	srv := socketio.NewServer(socketio.Options{Engine: engineio.Options{Admit: limits.Admit}})
	defer srv.Close()
	chat := srv.Of("/chat")
	tokens.Protect(chat)
	limits.Protect(chat)
	socketio.On(chat, "say", func(ctx context.Context, _ *socketio.Socket, text string) error {
		token, _ := auth.From[User](ctx)
		return chat.Emit("said", Said{Name: token.Claims.Name, Text: text})
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("POST /login", login(secret))
	web := &http.Server{Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = web.Close() })()
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// login gives a token to anybody who has a name. Elsewhere an identity provider does
// that, and the server has its keys by [auth.NewJWKS].
func login(secret []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		if name == "" {
			http.Error(w, "who are you?", http.StatusBadRequest)
			return
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub":  name,
			"name": name,
			"aud":  "chat",
			"exp":  time.Now().Add(5 * time.Minute).Unix(),
		}).SignedString(secret)
		if err != nil {
			http.Error(w, "no token today", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, token)
	}
}
