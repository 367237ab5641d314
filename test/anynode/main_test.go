// Package anynode runs JavaScript clients against several nodes on a real Redis behind a
// real load balancer that knows nothing of sessions.
package anynode

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// redisEnv makes a node of the test's program: it is the address of its Redis.
const redisEnv = "DAMSO_ANYNODE_REDIS"

func TestMain(m *testing.M) {
	if addr := os.Getenv(redisEnv); addr != "" {
		os.Exit(runNode(addr))
	}
	goleak.VerifyTestMain(m)
}
