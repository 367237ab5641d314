package auth

import (
	"context"
	"encoding/json"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/socketio"
)

// refresh handles a new token. The old one stays if it is not accepted.
func (a *Auth[T]) refresh(ctx context.Context, s *socketio.Socket, e *socketio.Event) error {
	l := loginOf[T](ctx)
	if l == nil {
		return nil // another Auth protects the namespace
	}
	var arg tokenArgument
	if err := e.Args.Decode(&arg); err != nil {
		return fail(s, e, explain(jwt.ErrTokenMalformed))
	}
	token, err := a.Verify(ctx, withoutBearer(string(arg)))
	if err == nil {
		err = l.replace(a, token)
	}
	if err != nil {
		return fail(s, e, err)
	}
	answer := refreshed{Status: "ok"}
	if !token.Expires.IsZero() {
		answer.ExpiresAt = token.Expires.UnixMilli()
	}
	return e.Ack(answer)
}

// fail tells the client what is wrong: in the acknowledgement of e, or, if it wants
// none or e is nil, in an exception.
func fail(s *socketio.Socket, e *socketio.Event, err error) error {
	known := asError(err)
	answer := failure{"error", known.Code, known.Message}
	if e == nil || !e.WantsAck() {
		return s.Emit("exception", answer)
	}
	return e.Ack(answer)
}

type failure struct {
	Status  string `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type refreshed struct {
	Status    string `json:"status"`
	ExpiresAt int64  `json:"expiresAt,omitempty"`
}

// tokenArgument is a string, or an object that has it.
type tokenArgument string

// UnmarshalJSON implements the interface of encoding/json.
func (t *tokenArgument) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var object struct{ Token string }
		err := json.Unmarshal(data, &object)
		*t = tokenArgument(object.Token)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}
