package cluster

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/testkit"
)

// modes are the ways to be in a cluster with servers of socket.io 4, as adapters.js
// names them.
var modes = map[string]redis.Options{
	"classic":          {},
	"dynamic":          {Mode: redis.ShardedDynamic},
	"dynamic-private":  {Mode: redis.ShardedDynamicPrivate},
	"static":           {Mode: redis.ShardedStatic},
	"streams":          {Mode: redis.Streams},
	"streams, three":   {Mode: redis.Streams, Streams: redis.StreamOptions{Count: 3}},
	"streams, sharded": {Mode: redis.Streams, Streams: redis.StreamOptions{Sharded: true}},
}

// start starts three servers of a mode, of which those in own are Damso's.
func start(t *testing.T, broker *redistest.Server, mode string, own ...int) map[string]server {
	servers := map[string]server{}
	for i := range 3 {
		name := "s" + strconv.Itoa(i)
		s := server{Client: "4"}
		if slices.Contains(own, i) {
			s.URL = named(t, broker, name, modes[mode])
		} else {
			var ready struct{ URL string }
			testkit.Node(t, testkit.Script{Path: "node-4.js", Args: []string{broker.Host(), strconv.Itoa(broker.Port()), name, mode}}).Expect(&ready)
			s.URL = ready.URL
		}
		servers[name] = s
	}
	return servers
}

// run runs a script in a new cluster, and returns what it prints.
func run(t *testing.T, script string, arg any) (results map[string]any) {
	t.Helper()
	text, err := json.Marshal(arg)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Node(t, testkit.Script{Path: script, Args: []string{string(text)}}).Expect(&results)
	return results
}

// same compares results, but for those that begin with one of skip.
func same(t *testing.T, want, got map[string]any, skip ...string) {
	t.Helper()
	if len(want) < 20 || len(want) != len(got) {
		t.Errorf("%d results, want %d, at least 20", len(got), len(want))
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if slices.ContainsFunc(skip, func(s string) bool { return strings.HasPrefix(key, s) }) {
			continue
		}
		if diff := cmp.Diff(want[key], got[key]); diff != "" {
			t.Errorf("%s: all Node (-), with Damso (+):\n%s", key, diff)
		}
	}
}

// TestModes lets clusters of each mode, in which two of three servers are Damso's, do
// what clusters of Node servers do.
func TestModes(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			want := run(t, "broadcasts.js", start(t, redistest.Start(t), mode))
			got := run(t, "broadcasts.js", start(t, redistest.Start(t), mode, 0, 1))
			same(t, want, got)
			if mode == "classic" {
				return // TestOperations
			}
			m := makeup{Servers: start(t, redistest.Start(t), mode), Ask: []string{"s0", "s1", "s2"}, All: true}
			want = run(t, "operations.js", m)
			m.Servers = start(t, redistest.Start(t), mode, 0, 1)
			got = run(t, "operations.js", m)
			same(t, want, got, "allRooms") // which Node has over classic PUB/SUB only
		})
	}
}
