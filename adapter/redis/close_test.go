package redis_test

import (
	"fmt"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
)

// TestCloseUnsubscribes: a closed namespace costs Redis nothing.
func TestCloseUnsubscribes(t *testing.T) {
	server := miniredis.RunT(t)
	a := redis.New(rueidis.ClientOption{
		InitAddress: []string{server.Addr()}, AlwaysRESP2: true, ForceSingleClient: true,
	}, redis.Options{Logger: quiet})
	adaptertest.Start(t, a)
	for i := range 10 {
		adaptertest.Open(t, fmt.Sprint("/", i), a)[0].Close()
	}
	// What is subscribed second is so after all that was closed before the first.
	adaptertest.Open(t, "/first", a)
	adaptertest.Open(t, "/second", a)
	if n := server.PubSubNumPat(); n != 2 {
		t.Errorf("%d patterns are subscribed, want 2", n)
	}
}
