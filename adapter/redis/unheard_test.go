package redis_test

import (
	"context"
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/internal/redistest"
)

// TestUnheard sends a message to a node that listens, and one when that was killed: it is
// known at once that nobody heard it.
func TestUnheard(t *testing.T) {
	server := redistest.Start(t)
	a := node(server.Addr())
	unheard := make(chan string, 10)
	a.Unheard(func(node string) { unheard <- node })
	adaptertest.Start(t, a)

	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, release := client.Dedicate()
	defer release()
	const other = "killed"
	heard := make(chan struct{}, 10)
	conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnSubscription: func(s rueidis.PubSubSubscription) { heard <- struct{}{} },
		OnMessage: func(m rueidis.PubSubMessage) {
			if m.Message[0] == 'm' {
				heard <- struct{}{}
			}
		},
	})
	ctx := context.Background()
	channel := "socket.io-damso#" + other + "#"
	if err := conn.Do(ctx, conn.B().Subscribe().Channel(channel).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	<-heard
	beat := "b" + other + "\x00\x00\x00\x00\x00\x00\x00\x01name"
	if err := client.Do(ctx, client.B().Publish().Channel("socket.io-damso#").Message(beat).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		adaptertest.Wait(t, "sent", func() error { return adapter.Mesh(a).Send(other, []byte("hello")) })
	}
	send()
	<-heard
	conn.Close()
	adaptertest.Wait(t, "unheard", func() error {
		send() // the first may find a server that has not noticed
		select {
		case <-unheard:
			return nil
		default:
			return adapter.ErrNode
		}
	})
}
