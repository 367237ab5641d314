package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// A Token is a token that was found to be valid.
type Token[T any] struct {
	Subject string    // whom it is about ("sub"); may be empty
	Expires time.Time // zero if it never does
	Claims  T
}

func (t Token[T]) expired(leeway time.Duration) bool {
	return !t.Expires.IsZero() && time.Until(t.Expires)+leeway <= 0
}

// payload is what a token says: the claims of the standard, and all of them.
//
// Names are matched to the letter and must not come twice: where a user has a say in
// some claim, a "Sub" beside the "sub" must not count.
type payload struct {
	jwt.RegisteredClaims
	raw []byte
}

// UnmarshalJSON implements the interface of encoding/json, by which the parser
// decodes claims before it has checked the signature.
func (p *payload) UnmarshalJSON(data []byte) error {
	p.raw = slices.Clone(data)
	return json.Unmarshal(data, &p.RegisteredClaims)
}

// Verify checks a token outside of a namespace, for an HTTP handler say. It may
// wait for keys to be fetched. An error is an [*Error].
func (a *Auth[T]) Verify(ctx context.Context, token string) (Token[T], error) {
	switch {
	case token == "":
		return Token[T]{}, errMissing()
	case len(token) > a.opts.MaxToken:
		return Token[T]{}, errTooLong()
	}
	var p payload
	_, err := a.parser.ParseWithClaims(token, &p, func(t *jwt.Token) (any, error) { return a.keys(ctx, t) })
	if err != nil {
		return Token[T]{}, explain(err)
	}
	verified := Token[T]{Subject: p.Subject}
	if p.ExpiresAt != nil {
		verified.Expires = p.ExpiresAt.Time
	}
	if err := json.Unmarshal(p.raw, &verified.Claims); err != nil {
		return Token[T]{}, &Error{CodeInvalid, "the token's claims are not what is expected", err}
	}
	return verified, nil
}

// keys returns the keys that the signature of t may be of.
func (a *Auth[T]) keys(ctx context.Context, t *jwt.Token) (any, error) {
	// "If any of the listed extension Header Parameters are not understood and
	// supported by the recipient, then the JWS is invalid." (RFC 7515, 4.1.11)
	if _, ok := t.Header["crit"]; ok {
		return nil, errors.New("critical extensions are not supported")
	}
	var kid string
	if v, ok := t.Header["kid"]; ok {
		if kid, ok = v.(string); !ok {
			return nil, errors.New("kid is no string")
		}
	}
	keys, err := a.opts.Keys.Find(ctx, t.Method.Alg(), kid)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	var set jwt.VerificationKeySet
	for _, k := range keys {
		if k.Algorithm() == t.Method.Alg() { // whatever Find returns
			set.Keys = append(set.Keys, k.Key)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("no key for it")
	}
	return set, nil
}
