package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
)

// A journal keeps the log of a node.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// lines returns the level and message of each line, save for those of the mesh.
func (j *journal) lines() (lines []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.buf.String()) {
		if strings.Contains(line, "redis: a node has") {
			continue
		}
		_, line, _ = strings.Cut(line, "level=")
		line, _, _ = strings.Cut(line, " error=")
		line, _, _ = strings.Cut(line, " gap=")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func (j *journal) want(t *testing.T, want ...string) {
	t.Helper()
	if got := j.lines(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	logFirst = `INFO msg="redis: connected"`
	logNone  = `WARN msg="redis: no connection, this node serves its own clients and tries again"`
	logLost  = `WARN msg="redis: connection lost, this node serves its own clients and tries again"`
	logAgain = `INFO msg="redis: connected again"`
)

// pair starts two nodes that log to the journals.
func pair(t *testing.T, server *redistest.Server) (nodes []adapter.Adapter, logs [2]*journal) {
	for i := range logs {
		logs[i] = new(journal)
		nodes = append(nodes, redis.New(
			rueidis.ClientOption{InitAddress: []string{server.Addr()}},
			redis.Options{Logger: slog.New(slog.NewTextHandler(logs[i], nil))},
		))
	}
	return nodes, logs
}

func TestRedisRestarts(t *testing.T) {
	server := redistest.Start(t)
	nodes, logs := pair(t, server)
	adaptertest.Start(t, nodes...)
	members := adaptertest.Open(t, "/", nodes...)
	for range 2 {
		server.Kill()
		for i, node := range nodes {
			if err := adaptertest.WaitNotReady(t, node); !errors.Is(err, redis.ErrUnavailable) {
				t.Errorf("Ready: %v, want ErrUnavailable", err)
			}
			if err := members[i].Publish(adaptertest.Event("lost", i)); !errors.Is(err, redis.ErrUnavailable) {
				t.Errorf("Publish: %v, want ErrUnavailable", err)
			}
		}
		server.Restart()
		adaptertest.WaitReady(t, nodes[0])
		adaptertest.WaitReady(t, nodes[1])
		members[0].Send(t, adaptertest.Event("heard", 0))
		members[1].Want(t, adaptertest.Event("heard", 0))
		members[1].Send(t, adaptertest.Event("heard", 1))
		members[0].Want(t, adaptertest.Event("heard", 1))
	}
	for _, log := range logs {
		log.want(t, logFirst, logLost, logAgain, logLost, logAgain)
	}
}

func TestRedisComesLater(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	nodes, logs := pair(t, server)
	adaptertest.Launch(t, nodes...)
	for i, log := range logs {
		adaptertest.Wait(t, "in the log", func() error {
			if len(log.lines()) == 0 {
				return errors.New("no line")
			}
			return nil
		})
		if err := nodes[i].Ready(); !errors.Is(err, redis.ErrUnavailable) || !strings.Contains(err.Error(), "refused") {
			t.Errorf("Ready: %v, want ErrUnavailable and the cause", err)
		}
	}
	server.Restart()
	members := adaptertest.Open(t, "/", nodes...)
	members[0].Send(t, adaptertest.Event("heard", 0))
	members[1].Want(t, adaptertest.Event("heard", 0))
	for _, log := range logs {
		log.want(t, logNone, logAgain)
	}
}

// TestRedisHangs freezes Redis, which keeps its connections and does not answer.
func TestRedisHangs(t *testing.T) {
	server := redistest.Start(t)
	client := rueidis.ClientOption{InitAddress: []string{server.Addr()}, ConnWriteTimeout: time.Second}
	client.Dialer.KeepAlive = 200 * time.Millisecond
	client.Dialer.Timeout = 500 * time.Millisecond
	small := redis.New(client, redis.Options{Logger: quiet, MaxQueued: 10})
	other := redis.New(client, redis.Options{Logger: quiet})
	nodes := adaptertest.Start(t, small, other)
	members := adaptertest.Open(t, "/", nodes...)

	server.Pause()
	var refused uint64
	for refused == 0 { // a batch is under way, and then the queue fills
		switch err := members[0].Publish(adaptertest.Event("late", 1)); {
		case errors.Is(err, redis.ErrQueueFull):
			refused++
		case err != nil:
			t.Fatalf("Publish: %v, want ErrQueueFull in the end", err)
		}
	}
	for _, node := range nodes {
		adaptertest.WaitNotReady(t, node)
	}
	if got := small.Stats(); got.Dropped < refused+10 {
		t.Errorf("%d dropped, want what was refused and what waited: %d and more", got.Dropped, refused+10)
	}

	server.Resume()
	for _, node := range nodes {
		adaptertest.WaitReady(t, node)
	}
	heard := adaptertest.Event("heard", 1)
	members[1].Send(t, heard)
	members[0].Want(t, heard)
}

// TestRunEndsWhileRedisHangs: Run must return soon, though nothing answers.
func TestRunEndsWhileRedisHangs(t *testing.T) {
	server := redistest.Start(t)
	connected, connecting := node(server.Addr()), node(server.Addr())
	members := adaptertest.Open(t, "/", adaptertest.Start(t, connected)...)
	server.Pause()
	members[0].Send(t, adaptertest.Event("late", 1))
	adaptertest.Launch(t, connecting)
} // the end of the test waits for both

// TestLastWords: what was published before the end of Run is still sent.
func TestLastWords(t *testing.T) {
	server := redistest.Start(t)
	pair, logs := pair(t, server)
	staying, leaving := pair[0], pair[1]
	nodes := adaptertest.Start(t, staying)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- leaving.Run(ctx) }()
	members := adaptertest.Open(t, "/", append(nodes, leaving)...)
	for i := range 1000 {
		members[1].Send(t, adaptertest.Event("n", i))
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		members[0].Want(t, adaptertest.Event("n", i))
	}
	if err := members[1].Publish(adaptertest.Event("n", 0)); !errors.Is(err, redis.ErrUnavailable) {
		t.Errorf("Publish after Run: %v, want ErrUnavailable", err)
	}
	logs[1].want(t, logFirst) // nothing was lost
}

// TestForeignMessages: what other programs publish on the channels does no harm, and
// emitters are heard.
func TestForeignMessages(t *testing.T) {
	server := redistest.Start(t)
	a := node(server.Addr())
	nodes := adaptertest.Start(t, a)
	members := adaptertest.Open(t, "/a", nodes...)
	longer := adaptertest.Open(t, "/a#b", nodes...) // its channels match the pattern of /a

	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	publish := func(channel, message string) {
		t.Helper()
		cmd := client.B().Publish().Channel(channel).Message(message).Build()
		if err := client.Do(t.Context(), cmd).Error(); err != nil {
			t.Fatal(err)
		}
	}
	garbage := []string{"", "{}", "null", "\xc0", "\x93", strings.Repeat("\x91", 1000), strings.Repeat("\xff", 1000)}
	for _, message := range garbage {
		publish("socket.io#/a#", message)
		publish("socket.io#/a#room#", message)
	}
	publish("socket.io#/a#b#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa1e\x01\xa3nsp\xa4/a#b\x80")
	publish("socket.io#/a#b#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa1e\x01\xa3nsp\xa2/a\x81\xa5rooms\x91\xa1b")
	longer[0].Want(t, adaptertest.Event("e", 1))
	members[0].Want(t, adaptertest.Event("e", 1, "b"))
	if got, want := a.Stats().Undecodable, uint64(2*len(garbage)); got != want {
		t.Errorf("%d messages were undecodable, want %d", got, want)
	}
}
