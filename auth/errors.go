package auth

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Codes tell clients why they were refused.
const (
	CodeMissing     = "token_missing"
	CodeMalformed   = "token_malformed"
	CodeInvalid     = "token_invalid" // signature, algorithm, issuer, audience, claims
	CodeExpired     = "token_expired"
	CodeNotYet      = "token_not_yet_valid"
	CodeSubject     = "token_subject"    // a refresh with the token of somebody else
	CodeUnavailable = "auth_unavailable" // the keys can't be had: try again later
)

// An Error says why a token was not accepted.
type Error struct {
	Code    string // one of those above
	Message string // for the client; says nothing that helps to forge a token
	Err     error  // what is behind it, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return "auth: " + e.Message
	}
	return "auth: " + e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

func errMissing() *Error {
	return &Error{Code: CodeMissing, Message: "a token is needed"}
}

func errTooLong() *Error {
	return &Error{Code: CodeMalformed, Message: "the token is too long"}
}

func errSubject() *Error {
	return &Error{Code: CodeSubject, Message: "the new token is not for the same subject"}
}

var errUnavailable = errors.New("keys can't be had")

// explain makes an Error of what the parser says.
func explain(err error) *Error {
	e := &Error{CodeInvalid, "the token's signature is not accepted", err}
	for _, known := range []struct {
		is            error
		code, message string
	}{
		{errUnavailable, CodeUnavailable, "tokens can't be checked right now, try again later"},
		{jwt.ErrTokenMalformed, CodeMalformed, "this is not a JSON Web Token"},
		{jwt.ErrTokenUnverifiable, CodeInvalid, "the token's signature is not accepted"},
		{jwt.ErrTokenSignatureInvalid, CodeInvalid, "the token's signature is not accepted"},
		{jwt.ErrTokenRequiredClaimMissing, CodeInvalid, "the token lacks a claim: expiry, issuer or audience"},
		{jwt.ErrTokenInvalidIssuer, CodeInvalid, "the token is from another issuer"},
		{jwt.ErrTokenInvalidAudience, CodeInvalid, "the token is for another audience"},
		{jwt.ErrTokenExpired, CodeExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, CodeNotYet, "the token is not valid yet"},
	} {
		if errors.Is(err, known.is) {
			e.Code, e.Message = known.code, known.message
			break
		}
	}
	return e
}

// asError returns the Error in err.
func asError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return explain(err)
}
