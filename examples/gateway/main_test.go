package main

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/gateway/gatewaytest"
	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func as(name string) gatewaytest.Options {
	return gatewaytest.Options{Query: url.Values{"name": {name}}}
}

func want(t *testing.T, got gatewaytest.Message, want string) {
	t.Helper()
	if got.String() != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestAuction is how a gateway is tested without a network.
func TestAuction(t *testing.T) {
	srv := gatewaytest.New(t, NewAuction(slog.New(slog.DiscardHandler), "vase"))
	if _, err := srv.TryJoin(gatewaytest.Options{}); err == nil || err.Error() != "who are you?" {
		t.Errorf("a client without a name: %v", err)
	}
	minsu, jimin := srv.Join(as("minsu")), srv.Join(as("jimin"))
	want(t, minsu.Ask("watch", "vase"), `{"lot":"vase","amount":0,"by":""}`)
	want(t, jimin.Ask("bid", Bid{Lot: "vase", Amount: 50}), `{"lot":"vase","amount":50,"by":"jimin"}`)
	want(t, minsu.Next(), `best {"lot":"vase","amount":50,"by":"jimin"}`)

	want(t, minsu.Ask("bid", Bid{Lot: "vase", Amount: 50}), `{"status":"error","message":"jimin has bid 50 already"}`)
	want(t, minsu.Next(), `exception {"status":"error","message":"jimin has bid 50 already"}`)
	want(t, minsu.Ask("watch", "moon"), `{"status":"error","message":"there is no such lot"}`)
	want(t, minsu.Next(), `exception {"status":"error","message":"there is no such lot"}`)
	want(t, minsu.Ask("bid", Bid{Lot: "vase"}),
		`{"status":"error","message":"amount must be at least 1","data":[{"field":"amount","message":"must be at least 1"}]}`)

	jimin.Emit("time", "noon")
	want(t, jimin.Next(), `time "noon"`)
}

// TestRun runs the program.
func TestRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- run(ctx, l) }()
	c := siotest.At(t, l.Addr().String()).Open(siotest.Options{Query: "name=minsu"})
	c.Join("/auction", "")
	_ = c.Send(`2/auction,0["watch","chair"]`)
	c.Want(`3/auction,0[{"lot":"chair","amount":0,"by":""}]`)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	c.WantEnd()
}
