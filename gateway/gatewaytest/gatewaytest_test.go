package gatewaytest_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/gateway/gatewaytest"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An echo sends back what comes, twice.
type echo struct{}

func (echo) Routes(r *gateway.Router) {
	r.Use(gateway.Guard(func(_ context.Context, c *gateway.Call) error {
		if string(c.Socket.Handshake().Auth) == `{"token":"bad"}` {
			return &gateway.Error{Message: "bad token", Data: 7}
		}
		return nil
	}))
	gateway.OnAck(r, "echo", func(_ context.Context, s *socketio.Socket, v socketio.Raw) (socketio.Raw, error) {
		return v, s.Emit("echo", s.ID(), v)
	})
}

func TestClient(t *testing.T) {
	type file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	c := gatewaytest.New(t, echo{}).Join(gatewaytest.Options{})
	sent := file{"a", []byte{1, 2}}
	check := func(m gatewaytest.Message, into ...any) {
		t.Helper()
		var got file
		if err := m.Decode(append(into, &got)...); err != nil || got.Name != sent.Name || !bytes.Equal(got.Data, sent.Data) {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	c.Emit("echo", sent)
	check(c.Ask("echo", sent))
	check(c.Ask("echo", sent))
	var id string
	check(c.Next(), &id)
	if id != c.ID() {
		t.Errorf("id %q, want %q", c.ID(), id)
	}
	for _, m := range c.Came() {
		check(m, &id)
	}
	if len(c.Came()) > 0 {
		t.Error("events came twice")
	}
	c.Emit("echo", 7)
	if got, want := c.Next().String(), `echo "`+c.ID()+`" 7`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	srv := gatewaytest.New(t, echo{})
	_, err := srv.TryJoin(gatewaytest.Options{Auth: map[string]string{"token": "bad"}})
	refused, ok := errors.AsType[*socketio.ConnectError](err)
	if !ok || refused.Message != "bad token" {
		t.Fatalf("error %v", err)
	}
	srv.Join(gatewaytest.Options{})
	srv.Namespace().Use(func(context.Context, *socketio.Socket) error { return errors.New("full") })
	if _, err = srv.TryJoin(gatewaytest.Options{}); err == nil || err.Error() != "full" {
		t.Errorf("error %v", err)
	}
}

// TestBubble runs in a time that is not real.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := gatewaytest.New(t, echo{}).Join(gatewaytest.Options{})
		time.Sleep(time.Hour)
		if got := c.Ask("echo", 1).String(); got != "1" {
			t.Errorf("got %s", got)
		}
		c.Leave()
	})
}
