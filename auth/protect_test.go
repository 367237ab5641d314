package auth_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/auth"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio"
)

// greet makes a namespace tell clients who they are.
func greet(ns *socketio.Namespace) {
	socketio.OnAck(ns, "who", func(ctx context.Context, s *socketio.Socket, _ socketio.Args) (string, error) {
		token, ok := auth.From[claims](ctx)
		if again, _ := auth.From[claims](s.Context()); !ok || again != token {
			return "", errors.New("no token")
		}
		if _, ok := auth.From[int](ctx); ok {
			return "", errors.New("a token of another type")
		}
		return token.Subject + " " + token.Claims.Name, nil
	})
}

// refusal is the packet that refuses a client.
func refusal(protocol int, nsp, code, message string) string {
	data := fmt.Sprintf(`{"code":%q,"message":%q}`, code, message)
	if protocol == 4 {
		data = fmt.Sprintf(`{"message":%q,"data":%s}`, message, data)
	}
	return "4" + nsp + "," + data
}

func TestProtect(t *testing.T) {
	good, expired := sign(auth.HS256, says()), sign(auth.HS256, says("exp", 1))
	forged := forge(`{"alg":"none"}`, `{"sub":"admin","exp":99999999999}`, func(string) []byte { return nil })
	query := siotest.Query("token", good)
	missing := []string{auth.CodeMissing, "a token is needed"}
	everywhere := []auth.Source{auth.FromAuth("jwt"), auth.FromHeader("X-Token"), auth.FromQuery("token")}
	tests := []struct {
		name     string
		sources  []auth.Source
		protocol int
		open     siotest.Options
		join     string
		refused  []string // code and message
	}{
		{name: "auth", join: `0/chat,{"token":"` + good + `"}`},
		{name: "auth with Bearer", join: `0/chat,{"token":"bearer ` + good + `"}`},
		{name: "header", open: siotest.Options{Header: http.Header{"Authorization": {"Bearer " + good}}}, join: `0/chat,`},
		{name: "query of the namespace", protocol: 3, join: "0/chat?token=" + good + ","},
		{name: "query of the namespace, polling", protocol: 3, open: siotest.Options{Polling: true}, join: "0/chat?token=" + good + ","},
		{name: "polling", open: siotest.Options{Polling: true}, join: `0/chat,{"token":"` + good + `"}`},
		{name: "other auth", sources: everywhere, join: `0/chat,{"jwt":"` + good + `"}`},
		{name: "other header", sources: everywhere, open: siotest.Options{Header: http.Header{"X-Token": {good}}}, join: `0/chat,`},
		{name: "query", sources: everywhere, open: siotest.Options{Query: query}, join: `0/chat,`},
		{name: "query of protocol 3", sources: everywhere, protocol: 3, open: siotest.Options{Query: query}, join: `0/chat,`},

		{name: "nothing", join: `0/chat,`, refused: missing},
		{name: "nothing in protocol 3", protocol: 3, join: `0/chat,`, refused: missing},
		{name: "token is no string", join: `0/chat,{"token":{"a":1}}`, refused: missing},
		{name: "query by default", open: siotest.Options{Query: query}, join: `0/chat,`, refused: missing},
		{name: "basic authentication", open: siotest.Options{Header: http.Header{"Authorization": {"Basic eDp5"}}}, join: `0/chat,`, refused: missing},
		{name: "expired", join: `0/chat,{"token":"` + expired + `"}`, refused: []string{auth.CodeExpired, "the token has expired"}},
		{name: "expired in protocol 3", protocol: 3, join: `0/chat?token=` + expired + `,`, refused: []string{auth.CodeExpired, "the token has expired"}},
		{name: "the first source decides", open: siotest.Options{Header: http.Header{"Authorization": {"Bearer " + good}}},
			join: `0/chat,{"token":"` + expired + `"}`, refused: []string{auth.CodeExpired, "the token has expired"}},
		{name: "forged", join: `0/chat,{"token":"` + forged + `"}`, refused: []string{auth.CodeInvalid, "the token's signature is not accepted"}},
		{name: "huge", join: `0/chat,{"token":"` + strings.Repeat("x", 1<<19) + `"}`, refused: []string{auth.CodeMalformed, "the token is too long"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := newServer(t)
			ns := srv.Of("/chat")
			auth.New[claims](auth.Options{Keys: static(), Sources: test.sources}).Protect(ns)
			greet(ns)
			test.open.Protocol = cmp.Or(test.protocol, 4)
			c := siotest.Listen(t, srv).Open(test.open)
			if test.protocol == 3 {
				c.Want("0") // the main namespace, which is not protected
			}
			_ = c.Send(test.join)
			if test.refused != nil {
				c.Want(refusal(test.open.Protocol, "/chat", test.refused[0], test.refused[1]))
				return
			}
			if !strings.HasPrefix(c.Text(), "0/chat") {
				t.Fatal("not let in")
			}
			_ = c.Send(`2/chat,7["who"]`)
			c.Want(`3/chat,7["u1 연우"]`)
		})
	}
}

func TestFromWithout(t *testing.T) {
	if _, ok := auth.From[claims](t.Context()); ok {
		t.Error("a token from nowhere")
	}
}

// TestUnavailable holds a client to be refused with a code of its own while the
// keys can't be had.
func TestUnavailable(t *testing.T) {
	srv := newServer(t)
	p := &provider{err: errors.New("down")}
	auth.New[claims](auth.Options{Keys: p.keys()}).Protect(srv.Of("/chat"))
	c := siotest.Listen(t, srv).Open(siotest.Options{})
	_ = c.Send(`0/chat,{"token":"` + sign(auth.RS256, says()) + `"}`)
	c.Want(refusal(4, "/chat", auth.CodeUnavailable, "tokens can't be checked right now, try again later"))
}

// TestRecovery has a client that comes back after a lost connection.
func TestRecovery(t *testing.T) {
	type attempt struct {
		after time.Duration // since the token was made; it lives for an hour
		token string        // "" is none
		code  string        // "" if it is let in
	}
	tests := []struct {
		name     string
		skip     bool // the middlewares
		attempts func() []attempt
	}{
		{"asked again", false, func() []attempt {
			return []attempt{
				{time.Minute, "", auth.CodeMissing},
				{time.Minute, sign(auth.HS256, says("exp", 1)), auth.CodeExpired},
				{time.Minute, sign(auth.HS256, says("sub", "u2")), auth.CodeSubject},
				{2 * time.Minute, sign(auth.HS256, says()), ""},
			}
		}},
		{"not asked again", true, func() []attempt { return []attempt{{time.Minute, "", ""}} }},
		{"not asked again, expired", true, func() []attempt {
			return []attempt{
				{time.Hour, "", auth.CodeMissing},
				{time.Hour, sign(auth.HS256, says()), auth.CodeExpired},
				{time.Hour, sign(auth.HS256, says("exp", time.Now().Add(2*time.Hour).Unix())), ""},
			}
		}},
	}
	pairs() // outside of the bubble
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := socketio.NewServer(socketio.Options{
					Logger:   quiet(),
					Recovery: &socketio.Recovery{SkipMiddlewares: test.skip, MaxDisconnection: 3 * time.Hour},
				})
				defer srv.Close()
				ns := srv.Of("/chat")
				auth.New[claims](auth.Options{Keys: static(), ExpiringBefore: -1}).Protect(ns)
				greet(ns)
				ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
					if s.Recovered() {
						return nil
					}
					return s.Emit("hello")
				})
				clients := siotest.Pipe(t, srv)
				join := func(auth map[string]string) *siotest.Client {
					c := clients.Open(siotest.Options{})
					data, err := json.Marshal(auth)
					must(err)
					_ = c.Send("0/chat," + string(data))
					return c
				}

				start := time.Now()
				attempts := test.attempts()
				c := join(map[string]string{"token": sign(auth.HS256, says())})
				var greeting struct{ PID string }
				must(json.Unmarshal([]byte(strings.TrimPrefix(c.Text(), "0/chat,")), &greeting))
				var hello []string
				must(json.Unmarshal([]byte(strings.TrimPrefix(c.Text(), "2/chat,")), &hello))
				c.Close()

				for i, attempt := range attempts {
					time.Sleep(time.Until(start.Add(attempt.after)))
					c = join(map[string]string{"token": attempt.token, "pid": greeting.PID, "offset": hello[1]})
					got := c.Text()
					if attempt.code != "" && !strings.Contains(got, attempt.code) || attempt.code == "" && !strings.Contains(got, greeting.PID) {
						t.Fatalf("attempt %d: %s, want %q", i, got, attempt.code)
					}
				}
				_ = c.Send(`2/chat,7["who"]`)
				c.Want(`3/chat,7["u1 연우"]`)
				if got := c.Text(); !strings.Contains(got, auth.CodeExpired) { // with its offset
					t.Errorf("%s, want the expiry", got)
				}
				c.Want(goodbye)
			})
		})
	}
}

// expiry runs a test in which time is not real, with a client whose token has an
// hour to live.
func expiry(t *testing.T, opts auth.Options, f func(t *testing.T, c *siotest.Client, gone <-chan socketio.Reason)) {
	pairs() // outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		ns := srv.Of("/chat")
		opts.Keys = static()
		auth.New[claims](opts).Protect(ns)
		greet(ns)
		gone := make(chan socketio.Reason, 1)
		ns.OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.Reason) { gone <- reason })
		c := siotest.Pipe(t, srv).Open(siotest.Options{})
		_ = c.Send(`0/chat,{"token":"` + sign(auth.HS256, says()) + `"}`)
		if !strings.HasPrefix(c.Text(), "0/chat") {
			t.Fatal("not let in")
		}
		f(t, c, gone)
	})
}

// expires is the event that tells of it.
func expires(event string, in, left time.Duration) string {
	return fmt.Sprintf(`2/chat,[%q,{"expiresAt":%d,"expiresInMs":%d}]`, event, time.Now().Add(in).UnixMilli(), left.Milliseconds())
}

const (
	expired = `2/chat,["exception",{"status":"error","code":"token_expired","message":"the token has expired"}]`
	goodbye = `1/chat,`
)

func TestExpiry(t *testing.T) {
	tests := []struct {
		name  string
		opts  auth.Options
		event string
		warn  time.Duration // before the expiry; 0 is not at all
		end   time.Duration // after it
	}{
		{"default", auth.Options{}, "token_expiring", time.Minute, 0},
		{"configured", auth.Options{ExpiringEvent: "auth:soon", ExpiringBefore: 10 * time.Minute, Leeway: 5 * time.Second}, "auth:soon", 10 * time.Minute, 5 * time.Second},
		{"without a warning", auth.Options{ExpiringBefore: -1, Leeway: time.Minute}, "", 0, time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expiry(t, test.opts, func(t *testing.T, c *siotest.Client, gone <-chan socketio.Reason) {
				start := time.Now()
				if test.warn > 0 {
					want := expires(test.event, time.Hour, test.warn)
					c.Want(want)
					if got := time.Since(start); got != time.Hour-test.warn {
						t.Errorf("told after %v", got)
					}
				}
				_ = c.Send(`2/chat,7["who"]`)
				c.Want(`3/chat,7["u1 연우"]`, expired, goodbye)
				if got := time.Since(start); got != time.Hour+test.end {
					t.Errorf("disconnected after %v", got)
				}
				if reason := <-gone; reason != socketio.ServerNamespaceDisconnect {
					t.Errorf("reason is %q", reason)
				}
			})
		})
	}
}

func TestRefresh(t *testing.T) {
	expiry(t, auth.Options{}, func(t *testing.T, c *siotest.Client, _ <-chan socketio.Reason) {
		refresh := func(token any) {
			data, err := json.Marshal([]any{"auth:refresh", token})
			must(err)
			_ = c.Send("2/chat,1" + string(data))
		}
		until := time.Now().Add(time.Hour)
		fresh := func(d time.Duration, more ...any) string {
			return sign(auth.HS256, says(append([]any{"exp", time.Now().Add(d).Unix()}, more...)...))
		}
		ok := func(d time.Duration) string {
			return fmt.Sprintf(`3/chat,1[{"status":"ok","expiresAt":%d}]`, time.Now().Add(d).UnixMilli())
		}
		no := func(code, message string) string {
			return fmt.Sprintf(`3/chat,1[{"status":"error","code":%q,"message":%q}]`, code, message)
		}
		for _, refused := range []struct {
			token         any
			code, message string
		}{
			{sign(auth.HS256, says("sub", "u2")), auth.CodeSubject, "the new token is not for the same subject"},
			{sign(auth.HS256, says("sub", nil)), auth.CodeSubject, "the new token is not for the same subject"},
			{sign(auth.HS256, says("exp", 1)), auth.CodeExpired, "the token has expired"},
			{forge(`{"alg":"none"}`, `{"sub":"u1","exp":99999999999}`, func(string) []byte { return nil }), auth.CodeInvalid, "the token's signature is not accepted"},
			{"x", auth.CodeMalformed, "this is not a JSON Web Token"},
			{"", auth.CodeMissing, "a token is needed"},
			{nil, auth.CodeMissing, "a token is needed"},
			{5, auth.CodeMalformed, "this is not a JSON Web Token"},
			{[]string{"a"}, auth.CodeMalformed, "this is not a JSON Web Token"},
			{map[string]int{"token": 5}, auth.CodeMalformed, "this is not a JSON Web Token"},
		} {
			refresh(refused.token)
			c.Want(no(refused.code, refused.message))
		}
		_ = c.Send(`2/chat,["auth:refresh","x"]`) // wants no ack
		c.Want(`2/chat,["exception",{"status":"error","code":"token_malformed","message":"this is not a JSON Web Token"}]`)
		_ = c.Send(`2/chat,1["auth:refresh"]`)
		c.Want(no(auth.CodeMissing, "a token is needed"))

		// None of that has changed anything.
		c.Want(expires("token_expiring", time.Until(until), time.Minute))
		refresh(fresh(time.Hour, "name", "지우"))
		c.Want(ok(time.Hour))
		_ = c.Send(`2/chat,7["who"]`)
		c.Want(`3/chat,7["u1 지우"]`)
		c.Want(expires("token_expiring", time.Hour, time.Minute)) // and not the end

		refresh(map[string]string{"token": fresh(30 * time.Second)}) // a shorter one
		c.Want(expires("token_expiring", 30*time.Second, 30*time.Second), ok(30*time.Second))
		refresh("Bearer " + fresh(3*time.Hour))
		c.Want(ok(3 * time.Hour))
		c.Want(expires("token_expiring", 3*time.Hour, time.Minute))
		c.Want(expired, goodbye)
	})
}

// TestFreed holds nothing to keep a socket that has left, such as the timer of its
// token.
func TestFreed(t *testing.T) {
	srv := newServer(t)
	ns := srv.Of("/chat")
	auth.New[claims](auth.Options{Keys: static()}).Protect(ns)
	freed := make(chan struct{})
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		runtime.AddCleanup(s, func(c chan struct{}) { close(c) }, freed)
		return nil
	})
	gone := make(chan struct{})
	ns.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) { close(gone) })
	c := siotest.Listen(t, srv).Open(siotest.Options{})
	c.Join("/chat", `{"token":"`+sign(auth.HS256, says())+`"}`)
	c.Close()
	<-gone
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		runtime.GC()
		select {
		case <-freed:
			return
		default:
			runtime.Gosched()
		}
	}
	t.Error("the socket is still kept")
}

func TestRefreshWithoutSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t)
		auth.New[claims](auth.Options{Keys: static(), NoExpiry: true, RefreshEvent: "renew"}).Protect(srv.Of("/chat"))
		c := siotest.Pipe(t, srv).Open(siotest.Options{})
		anonymous := sign(auth.HS256, says("sub", nil, "exp", nil))
		_ = c.Send(`0/chat,{"token":"` + anonymous + `"}`)
		_ = c.Text()
		time.Sleep(10 * time.Hour) // it never expires
		_ = c.Send(`2/chat,1["renew","` + anonymous + `"]`)
		c.Want(`3/chat,1[{"status":"error","code":"token_subject","message":"the new token is not for the same subject"}]`)
	})
}
