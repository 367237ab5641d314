package redistest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leftovers is how long goroutines of the Redis client may go on that end by themselves:
// after a change of a Redis Cluster it closes old connections five seconds later.
const leftovers = 15 * time.Second

// Main is what TestMain does in packages whose tests use a Redis Cluster, or cut connections: it runs the tests,
// and fails if a goroutine is left after all, but for those that opts ignore.
func Main(m *testing.M, opts ...goleak.Option) {
	code := m.Run()
	deadline := time.Now().Add(leftovers)
	for code == 0 {
		err := goleak.Find(opts...)
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
