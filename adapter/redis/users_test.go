package redis_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// A grant is a user with permissions of docs/security.md.
type grant struct {
	rows []string // of the page
	used map[string]bool
}

// permissions returns what the page has under a heading, without the name of the user.
func permissions(t *testing.T, row string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "\n# "+row+"\n")
	if !found {
		t.Fatalf("docs/security.md does not say what %q needs", row)
	}
	line, _, _ := strings.Cut(after, "\n")
	if rest, ok := strings.CutPrefix(line, "ACL SETUSER "); ok {
		_, line, _ = strings.Cut(rest, " ")
	}
	return strings.Fields(line)
}

// all returns the permissions of the user. Before Redis 6.2 there are none for channels.
func (g *grant) all(t *testing.T, s *redistest.Server) (list []string) {
	for _, row := range g.rows {
		for _, p := range permissions(t, row) {
			if s.AtLeast(6, 2) || p[0] != '&' && p != "allchannels" {
				list = append(list, p)
			}
		}
	}
	return list
}

// to makes the user on some servers, and notes at the end of the test what it has used.
func (g *grant) to(t *testing.T, servers ...*redistest.Server) {
	t.Helper()
	for _, s := range servers {
		s.Do(append([]string{"ACL", "SETUSER", "damso"}, g.all(t, s)...)...)
		t.Cleanup(func() { g.note(s) })
	}
}

// note remembers which commands a server has carried out.
func (g *grant) note(s *redistest.Server) {
	for line := range strings.Lines(fmt.Sprint(s.Do("INFO", "commandstats"))) {
		name, calls, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if calls != "" && calls[0] != '0' {
			g.used[name] = true
		}
	}
}

// rare are what is used only when the clock of Redis was set back, after a gap, and while
// a slot moves.
var rare = []string{"del", "xrange", "asking", "cluster|slots", "cluster|shards"}

// idle returns the commands among the permissions that were not used. Before Redis 7
// subcommands are not counted one by one.
func (g *grant) idle(t *testing.T) (idle []string) {
	for _, row := range g.rows {
		for _, p := range permissions(t, row) {
			command, ok := strings.CutPrefix(p, "+")
			first, _, _ := strings.Cut(command, "|")
			if ok && !g.used[command] && !g.used[first] && !slices.Contains(rare, command) {
				idle = append(idle, command)
			}
		}
	}
	return idle
}

// login lets nodes be that user.
func login(o rueidis.ClientOption) rueidis.ClientOption {
	o.Username, o.Password = "damso", "PASSWORD"
	return o
}

// TestUsers: with the permissions of the page all of the suite passes, and none of them
// is more than is used.
func TestUsers(t *testing.T) {
	for name, test := range map[string]struct {
		opts  redis.Options
		lacks adaptertest.Lacks
		rows  []string
	}{
		"classic":          {redis.Options{}, lacks, []string{"Classic", "Classic with Recovery, besides"}},
		"exact rooms":      {redis.Options{ExactRooms: true}, lacks, []string{"Classic with ExactRooms"}},
		"sharded":          {redis.Options{Mode: redis.ShardedDynamic}, clusterLacks, []string{"the sharded modes"}},
		"streams":          {redis.Options{Mode: redis.Streams}, clusterLacks, []string{"Streams"}},
		"streams, sharded": {redis.Options{Mode: redis.Streams, Streams: redis.StreamOptions{Sharded: true, Count: 2}}, clusterLacks, []string{"Streams with Sharded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &grant{append([]string{"every node"}, test.rows...), map[string]bool{}}
			test.opts.Logger = quiet
			test.lacks.Place = test.lacks.Place || test.opts.Mode == redis.Streams
			adaptertest.Suite{Lacks: test.lacks, Cluster: func(t *testing.T, n int) []adapter.Adapter {
				s := redistest.Start(t)
				g.to(t, s)
				nodes := make([]adapter.Adapter, n)
				for i := range nodes {
					nodes[i] = redis.New(login(rueidis.ClientOption{InitAddress: []string{s.Addr()}}), test.opts)
				}
				return nodes
			}}.Run(t)
			if idle := g.idle(t); len(idle) > 0 && !t.Failed() {
				t.Errorf("docs/security.md allows what is not used: %s", idle)
			}
		})
	}
}

// talk lets two nodes do what wants permissions.
func talk(t *testing.T, o rueidis.ClientOption, opts redis.Options) {
	t.Helper()
	opts.Logger = quiet
	a, b := redis.New(o, opts), redis.New(o, opts)
	adaptertest.Start(t, a, b)
	members := adaptertest.Open(t, "/", a, b)
	adaptertest.WaitServers(t, members...)
	adaptertest.Enter(t, members, "room")
	op := adaptertest.Event("ask", 1)
	op.Kind, op.Timeout = adapter.ServerSide, 20*time.Second
	if answers, err := members[1].Question(t, op); len(answers) != 1 || err != nil {
		t.Errorf("%d answers, %v; want 1", len(answers), err)
	}
}

// TestUsersOfManyServers has users of a Redis Cluster, and of servers with sentinels.
func TestUsersOfManyServers(t *testing.T) {
	modes := map[string]struct {
		opts redis.Options
		row  string
	}{
		"classic": {redis.Options{}, "Classic"},
		"sharded": {redis.Options{Mode: redis.ShardedDynamic}, "the sharded modes"},
		"streams": {redis.Options{Mode: redis.Streams, Streams: redis.StreamOptions{Count: 3}}, "Streams"},
	}
	cluster, sentinel := redistest.StartCluster(t), redistest.StartSentinel(t)
	for name, mode := range modes {
		t.Run("cluster, "+name, func(t *testing.T) {
			g := &grant{[]string{"every node", mode.row, "Redis Cluster, besides"}, map[string]bool{}}
			g.to(t, cluster.Servers...)
			talk(t, login(rueidis.ClientOption{InitAddress: cluster.Addrs()}), mode.opts)
		})
		t.Run("sentinel, "+name, func(t *testing.T) {
			o := login(sentinelOption(sentinel))
			g := &grant{[]string{"every node", mode.row, "Sentinel, besides"}, map[string]bool{}}
			g.to(t, sentinel.Servers...)
			watchers := &grant{[]string{"on the sentinels"}, map[string]bool{}}
			watchers.to(t, sentinel.Sentinels...)
			o.Sentinel.Username, o.Sentinel.Password = o.Username, o.Password
			talk(t, o, mode.opts)
		})
	}
}

// TestUserOfPatterns: the patterns of the namespaces can stand in the place of all channels.
func TestUserOfPatterns(t *testing.T) {
	s := redistest.Start(t)
	g := &grant{[]string{"every node", "Classic"}, map[string]bool{}}
	g.to(t, s)
	if s.AtLeast(6, 2) {
		s.Do("ACL", "SETUSER", "damso", "resetchannels", "&socket.io*", "&socket.io#/#*")
	}
	talk(t, login(rueidis.ClientOption{InitAddress: []string{s.Addr()}}), redis.Options{})
}

// streamMember is a namespace whose clients may come back.
type streamMember struct{ *adaptertest.Member }

func (streamMember) Added(uint64, adapter.StreamID) {}

// TestUserOfStreamRecovery: a client's session is kept and taken out.
func TestUserOfStreamRecovery(t *testing.T) {
	g := &grant{[]string{"every node", "Streams", "Streams with Recovery, besides"}, map[string]bool{}}
	s := redistest.Start(t)
	g.to(t, s)
	a := redis.New(login(rueidis.ClientOption{InitAddress: []string{s.Addr()}}), redis.Options{Mode: redis.Streams, Logger: quiet})
	ns, err := a.OpenStream("/", streamMember{&adaptertest.Member{}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	adaptertest.Start(t, a)
	adaptertest.WaitReady(t, a)
	s.Do("XADD", "socket.io", "1-1", "nsp", "/")
	ns.Save(func() *adapter.StreamSession { return &adapter.StreamSession{PID: "pid", ID: "id"} })
	restored, err := ns.Restore(t.Context(), adapter.Return{PID: "pid", After: adapter.StreamID{Time: 1, Number: 1}, MaxBytes: 1, MaxEvents: 1})
	if err != nil || restored.Session.ID != "id" {
		t.Errorf("restored %+v, %v", restored, err)
	}
	g.note(s)
	used := slices.Sorted(maps.Keys(g.used))
	for _, command := range []string{"del", "eval", "get", "set", "xrange"} {
		if !g.used[command] {
			t.Errorf("%s was not used, only %s", command, used)
		}
	}
}

// keptMember is a namespace whose sessions are kept.
type keptMember struct{ *adaptertest.Member }

func (keptMember) Seen(uint64)  {}
func (keptMember) Moved(string) {}

// TestUserOfMovingSlot: what is published while the slot of what is kept moves arrives,
// with no more permissions than the page has.
func TestUserOfMovingSlot(t *testing.T) {
	c := redistest.StartCluster(t)
	g := &grant{[]string{
		"every node", "Classic", "Classic with Recovery, besides", "Redis Cluster, besides", "Redis Cluster with Classic and Recovery, besides",
	}, map[string]bool{}}
	g.to(t, c.Servers...)
	o := login(rueidis.ClientOption{InitAddress: c.Addrs()})
	a, b := redis.New(o, redis.Options{Logger: quiet}), redis.New(o, redis.Options{Logger: quiet})
	ns, err := a.OpenKept("/", keptMember{&adaptertest.Member{}}, adapter.Keep{Life: time.Minute, MaxEvents: 10})
	if err != nil {
		t.Fatal(err)
	}
	adaptertest.Start(t, a, b)
	members := adaptertest.Open(t, "/", b)
	adaptertest.WaitReady(t, a)
	var own uint64
	arrives := func() {
		t.Helper()
		own++
		op := adaptertest.Event("e", own)
		op.Logged.Own = own
		if err := ns.Publish(op); err != nil {
			t.Fatal(err)
		}
		members[0].Want(t, op)
	}
	arrives()
	slot := c.Slot("{socket.io}")
	m := c.StartMove(slot, (c.Owner(slot)+1)%3)
	arrives()
	for m.Keys(100) > 0 {
	}
	arrives()
	m.End()
	arrives()
	if s := a.Stats(); s.Connects != 1 || s.Dropped != 0 {
		t.Errorf("it has connected anew: %+v", s)
	}
	for _, s := range c.Servers {
		g.note(s)
	}
	if !g.used["eval"] || !g.used["asking"] {
		t.Errorf("used: %s", slices.Sorted(maps.Keys(g.used)))
	}
}
