package cluster

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// back is what streams_recovery.js finds when a client has come back, without its data.
const back = `{
	"recovered": true, "sameID": true, "sameWhoami": true, "rooms": ["id", "room"],
	"heard": ["one", {"binary": [{"$binary": "00ff"}]}, "two",
		"three", {"more": {"$binary": "010203"}}, "four", "five", "said", "six", "eight"]
}`

// TestStreamsRecovery lets clients lose their connections to servers of either make and
// come back to others, and finds the same with all of them.
func TestStreamsRecovery(t *testing.T) {
	broker := redistest.Start(t)
	servers := map[string]server{}
	for i := range 2 {
		name := fmt.Sprintf("damso%d", i)
		servers[name] = server{URL: recovering(t, broker, name, redis.Options{Mode: redis.Streams}, &socketio.Recovery{})}
		name = fmt.Sprintf("node%d", i)
		var ready struct{ URL string }
		testkit.Node(t, testkit.Script{Path: "node-4.js", Args: []string{broker.Host(), strconv.Itoa(broker.Port()), name, "streams", "recovery"}}).Expect(&ready)
		servers[name] = server{URL: ready.URL}
	}
	results := run(t, "streams_recovery.js", servers)
	for from := range servers {
		for to := range servers {
			pair := from + " to " + to
			var want map[string]any
			if err := json.Unmarshal([]byte(back), &want); err != nil {
				t.Fatal(err)
			}
			want["data"] = []any{true, map[string]any{"name": from + "-" + to}}
			if diff := cmp.Diff(any(want), results[pair]); diff != "" {
				t.Errorf("%s: want (-), got (+):\n%s", pair, diff)
			}
		}
	}
}
