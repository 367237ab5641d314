package gateway_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/gateway/gatewaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// routes is a gateway of one function.
type routes func(r *gateway.Router)

func (f routes) Routes(r *gateway.Router) { f(r) }

// join is a client of a gateway.
func join(t *testing.T, f routes) *gatewaytest.Client {
	t.Helper()
	return gatewaytest.New(t, f).Join(gatewaytest.Options{})
}

// want fails the test if a message is not this text.
func want(t *testing.T, got gatewaytest.Message, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// wantCame fails the test if a client did not get just these events before an ack.
func wantCame(t *testing.T, c *gatewaytest.Client, wants ...string) {
	t.Helper()
	got := c.Came()
	if len(got) != len(wants) {
		t.Fatalf("events %v, want %v", got, wants)
	}
	for i := range got {
		want(t, got[i], wants[i])
	}
}
