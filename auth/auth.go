// Package auth lets clients with a JSON Web Token into a namespace, and no others.
//
//	a := auth.New[Claims](auth.Options{Keys: auth.Static{{Key: secret}}, Audience: []string{"chat"}})
//	a.Protect(srv.Of("/chat"))
//
// Handlers find out who the client is by [From]. A client whose token expires while
// it is connected is told before, may send a new one, and is disconnected
// otherwise.
package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/socketio"
)

// Options configures an [Auth].
type Options struct {
	// Keys has the keys that tokens may be signed with. It must be given. The
	// algorithm of a token must be that of its key, whatever the token says.
	Keys Keys

	// Sources are the places where a token is looked for; the first one that has
	// any decides. If empty, they are [FromAuth]("token") and [FromBearer].
	Sources []Source

	// Issuer is who must have issued a token. If empty, anybody may have.
	Issuer string

	// Audience is whom a token must be for, one of them. If empty, it may be for
	// anybody.
	Audience []string

	// Leeway is by how much clocks may differ: for so long a token counts before
	// its time and after its expiry. If zero, they agree.
	Leeway time.Duration

	// NoExpiry lets in tokens that never expire. They can't be taken back.
	NoExpiry bool

	// MaxToken is the size of the longest token that is looked at, in bytes. If
	// zero, it is 8192.
	MaxToken int

	// ExpiringEvent is the event that tells a client that its token is about to
	// expire, with {expiresAt, expiresInMs}: milliseconds since 1970, and from now.
	// If empty, it is "token_expiring".
	ExpiringEvent string

	// ExpiringBefore is how long before the expiry that is. If zero, it is one
	// minute; if negative, clients are not told.
	ExpiringBefore time.Duration

	// RefreshEvent is the event with which a client sends a new token, as a string
	// or as {token}. Its acknowledgement is {status: "ok", expiresAt} or {status:
	// "error", code, message}. If empty, it is "auth:refresh".
	RefreshEvent string
}

// Check says what in the options can't be meant, or returns nil.
func (o Options) Check() error {
	if o.Keys == nil {
		return errors.New("auth: Options.Keys is missing")
	}
	if o.Leeway < 0 || o.MaxToken < 0 {
		return errors.New("auth: times and sizes in Options must not be negative")
	}
	if c, ok := o.Keys.(interface{ Check() error }); ok {
		return c.Check()
	}
	return nil
}

// An Auth checks tokens whose claims the application reads into a T. It is safe for
// concurrent use.
//
// T is decoded by the rules of encoding/json, except that the names must match to
// the letter. The claims of the standard are checked whether T has them or not.
type Auth[T any] struct {
	// Set once.
	opts   Options
	parser *jwt.Parser
}

// New returns an Auth. It panics if opts.Check returns an error.
func New[T any](opts Options) *Auth[T] {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	if len(opts.Sources) == 0 {
		opts.Sources = []Source{FromAuth("token"), FromBearer}
	}
	setDefault(&opts.MaxToken, 8192)
	setDefault(&opts.ExpiringEvent, "token_expiring")
	setDefault(&opts.ExpiringBefore, time.Minute)
	setDefault(&opts.RefreshEvent, "auth:refresh")
	rules := []jwt.ParserOption{jwt.WithValidMethods(algorithms), jwt.WithLeeway(opts.Leeway), jwt.WithStrictDecoding()}
	if !opts.NoExpiry {
		rules = append(rules, jwt.WithExpirationRequired())
	}
	if opts.Issuer != "" {
		rules = append(rules, jwt.WithIssuer(opts.Issuer))
	}
	if len(opts.Audience) > 0 {
		rules = append(rules, jwt.WithAudience(opts.Audience...))
	}
	return &Auth[T]{opts: opts, parser: jwt.NewParser(rules...)}
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Protect lets only clients with a valid token into ns: others are refused with a
// [socketio.ConnectError] whose data has a code (see [Error]). It must be called
// once for a namespace, before middleware that wants to know who a client is. A
// client that is recovered after a lost connection must be the same subject.
func (a *Auth[T]) Protect(ns *socketio.Namespace) {
	ns.Use(a.admit)
	ns.UseConnect(a.recheck)
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if l := loginOf[T](s.Context()); l != nil {
			l.watch(a, s)
		}
		return nil
	})
	ns.OnDisconnect(func(ctx context.Context, _ *socketio.Socket, _ socketio.Reason) {
		if l := loginOf[T](ctx); l != nil {
			l.end()
		}
	})
	ns.Handle(a.opts.RefreshEvent, a.refresh)
}

// From returns the token of the client that a handler or middleware has to do with:
// ctx is its context, or [socketio.Socket.Context]. It returns false for a client
// of a namespace without Protect, and if T is another type than that of the Auth.
func From[T any](ctx context.Context) (Token[T], bool) {
	if l := loginOf[T](ctx); l != nil {
		return l.current(), true
	}
	return Token[T]{}, false
}

// admit is the middleware.
func (a *Auth[T]) admit(ctx context.Context, s *socketio.Socket) error {
	token, err := a.Verify(ctx, a.find(s.Handshake()))
	if before := loginOf[T](ctx); err == nil && before != nil && before.current().Subject != token.Subject {
		err = errSubject() // who comes back gets what was meant for who was there before
	}
	if err == nil {
		s.SetValue(loginKey{}, &login[T]{token: token})
		return nil
	}
	known := asError(err)
	refusal := &socketio.ConnectError{Message: known.Message, Data: map[string]string{"code": known.Code, "message": known.Message}}
	return fmt.Errorf("%w (%w)", refusal, err) // the client gets the first, the log both
}

// recheck is for clients that come back after a lost connection without having to
// pass the middlewares: the token from before counts, until it expires.
func (a *Auth[T]) recheck(next func(context.Context, *socketio.Socket) error) func(context.Context, *socketio.Socket) error {
	return func(ctx context.Context, s *socketio.Socket) error {
		if l := loginOf[T](ctx); l == nil || l.current().expired(a.opts.Leeway) {
			if err := a.admit(ctx, s); err != nil {
				return err
			}
		}
		return next(ctx, s)
	}
}

// find returns the client's token, or "".
func (a *Auth[T]) find(h socketio.Handshake) string {
	for _, source := range a.opts.Sources {
		if token := source(h); token != "" {
			return token
		}
	}
	return ""
}
