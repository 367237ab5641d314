package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

func exactNode(addr string) *redis.Adapter {
	return redis.New(rueidis.ClientOption{InitAddress: []string{addr}}, redis.Options{Logger: quiet, ExactRooms: true})
}

// TestExactRooms: a node hears what it has members for, in the order of the publisher,
// and of the rest Redis sends it nothing.
func TestExactRooms(t *testing.T) {
	server := redistest.Start(t)
	exact, other := exactNode(server.Addr()), node(server.Addr())
	nodes := adaptertest.Start(t, exact, other)
	members := adaptertest.Open(t, "/", nodes...)
	members[0].Room("room", false, true)
	members[0].Room("id", true, true)
	subscribed(t, server, "socket.io#/#room#", "socket.io#/#id#")
	for i := range 100 {
		members[1].Send(t, adaptertest.Event("room", i, "room"))
		members[1].Send(t, adaptertest.Event("elsewhere", i, "elsewhere"))
		members[1].Send(t, adaptertest.Event("two", i, "elsewhere", "room"))
		members[1].Send(t, adaptertest.Event("id", i, "id"))
		members[1].Send(t, adaptertest.Event("all", i))
	}
	for i := range 100 {
		members[0].Want(t, adaptertest.Event("room", i, "room"))
		members[0].Want(t, adaptertest.Event("two", i, "elsewhere", "room"))
		members[0].Want(t, adaptertest.Event("id", i, "id"))
		members[0].Want(t, adaptertest.Event("all", i))
	}
}

// TestExactRoomsComeAndGo: a room stays subscribed for a while, in case its members
// come back, and then no longer.
func TestExactRoomsComeAndGo(t *testing.T) {
	server := redistest.Start(t)
	nodes := adaptertest.Start(t, exactNode(server.Addr()), node(server.Addr()))
	members := adaptertest.Open(t, "/", nodes...)
	for range 3 {
		members[0].Room("brief", false, true)
		members[0].Room("back", false, true)
		subscribed(t, server, "socket.io#/#brief#", "socket.io#/#back#")
		members[0].Room("brief", false, false)
		members[0].Room("back", false, false)
		members[0].Room("back", false, true)
		adaptertest.Wait(t, "unsubscribed", func() error {
			if channels := channels(server); slices.Contains(channels, "socket.io#/#brief#") {
				return errors.New(strings.Join(channels, " "))
			}
			return nil
		})
	}
	subscribed(t, server, "socket.io#/#back#")
	server.Restart()
	subscribed(t, server, "socket.io#/#back#")
	members[0].Close()
	adaptertest.Wait(t, "unsubscribed", func() error {
		for _, c := range channels(server) {
			if c == "socket.io#/#back#" {
				return errors.New(c)
			}
		}
		return nil
	})
}

// TestExactRoomsMany: rooms by the thousand, joined and left while they are subscribed.
func TestExactRoomsMany(t *testing.T) {
	server := redistest.Start(t)
	nodes := adaptertest.Start(t, exactNode(server.Addr()), node(server.Addr()))
	members := adaptertest.Open(t, "/", nodes...)
	const n = 5000
	for i := range n {
		members[0].Room(fmt.Sprint(i), false, true)
		if i%2 == 1 {
			members[0].Room(fmt.Sprint(i), false, false)
		}
	}
	var stay []string
	for i := 0; i < n; i += 2 {
		stay = append(stay, fmt.Sprintf("socket.io#/#%d#", i))
	}
	subscribed(t, server, stay...)
	for i := 0; i < n; i += 2 {
		members[1].Send(t, adaptertest.Event("e", i, fmt.Sprint(i)))
	}
	for i := 0; i < n; i += 2 {
		members[0].Want(t, adaptertest.Event("e", i, fmt.Sprint(i)))
	}
}

// TestHashInNamespace: namespaces whose channels could be another's rooms.
func TestHashInNamespace(t *testing.T) {
	server := redistest.Start(t)
	nodes := adaptertest.Start(t, exactNode(server.Addr()), node(server.Addr()))
	plain, hash := adaptertest.Open(t, "/a", nodes...), adaptertest.Open(t, "/a#b", nodes...)
	plain[0].Room("b", false, true)
	hash[0].Room("c", false, true)
	subscribed(t, server, "socket.io#/a#b#")
	plain[1].Send(t, adaptertest.Event("plain", 1, "b"))
	hash[1].Send(t, adaptertest.Event("hash", 1))
	hash[1].Send(t, adaptertest.Event("hash", 2, "c"))
	plain[0].Want(t, adaptertest.Event("plain", 1, "b"))
	hash[0].Want(t, adaptertest.Event("hash", 1))
	hash[0].Want(t, adaptertest.Event("hash", 2, "c"))
}

// channels returns the channels that are subscribed.
func channels(server *redistest.Server) (list []string) {
	answer, _ := server.Do("PUBSUB", "CHANNELS", "*").([]any)
	for _, c := range answer {
		list = append(list, fmt.Sprint(c))
	}
	return list
}

// subscribed waits until all of these are.
func subscribed(t testing.TB, server *redistest.Server, want ...string) {
	t.Helper()
	adaptertest.Wait(t, "subscribed", func() error {
		have := map[string]bool{}
		for _, c := range channels(server) {
			have[c] = true
		}
		for _, c := range want {
			if !have[c] {
				return errors.New(c)
			}
		}
		return nil
	})
}

// BenchmarkForeignRooms has a node listen while Redis itself publishes to rooms that the
// node has no members of, 1,000 messages of 200 bytes per round. cpu-ns/msg is what the
// node spends, user and system, for one of them.
func BenchmarkForeignRooms(b *testing.B) {
	for name, start := range map[string]func(string) *redis.Adapter{"pattern": node, "exact": exactNode} {
		b.Run(name, func(b *testing.B) {
			server := redistest.Start(b)
			a := start(server.Addr())
			adaptertest.Start(b, a)
			heard := make(elsewhere, 1)
			if _, err := a.Open("/", heard); err != nil {
				b.Fatal(err)
			}
			adaptertest.WaitReady(b, a)
			client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			// A MessagePack array of uid, packet and options, as the Node.js adapters publish it.
			payload := "\x93\xa6ABCDEF\x83\xa4type\x02\xa4data\x92\xa1e\xd9\xc8" + strings.Repeat("x", 200) + "\xa3nsp\xa1/\x80"
			script := rueidis.NewLuaScript(`for i = 1, 1000 do redis.call('PUBLISH', 'socket.io#/#room' .. i .. '#', ARGV[1]) end
				return redis.call('PUBLISH', 'socket.io#/#', ARGV[1])`)
			before := cpu()
			for b.Loop() {
				if err := script.Exec(b.Context(), client, nil, []string{payload}).Error(); err != nil {
					b.Fatal(err)
				}
				<-heard
			}
			b.ReportMetric(float64(cpu()-before)/float64(1000*b.N), "cpu-ns/msg")
		})
	}
}

// elsewhere is a namespace that has no rooms.
type elsewhere chan *adapter.Operation

func (e elsewhere) Apply(op *adapter.Operation)                   { e <- op }
func (elsewhere) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (elsewhere) Wants(string) bool                               { return false }

// cpu returns the time that this process has spent.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
