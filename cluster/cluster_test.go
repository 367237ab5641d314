package cluster_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// ways are the ways in which clients connect.
var ways = []struct {
	name string
	siotest.Options
}{
	{"websocket", siotest.Options{}},
	{"polling", siotest.Options{Polling: true}},
	{"upgrade", siotest.Options{Upgrade: true}},
}

// TestEcho has clients of both protocols send and receive through three nodes in
// turn.
func TestEcho(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		for _, way := range ways {
			t.Run(fmt.Sprintf("protocol %d, %s", protocol, way.name), func(t *testing.T) {
				nodes := startAll(t, 3, engineio.Options{})
				clients := siotest.Listen(t, &balancer{nodes: nodes})
				for range 4 {
					o := way.Options
					o.Protocol = protocol
					echo(t, clients, o)
				}
			})
		}
	}
}

// messages is how many messages a client sends.
const messages = 30

func echo(t *testing.T, clients *siotest.Server, o siotest.Options) {
	c := clients.Open(o)
	for i := range messages {
		if err := c.Send(fmt.Sprintf("한글 %d", i)); err != nil {
			t.Fatalf("send %d: %v", i, err)
		}
	}
	if o.Upgrade {
		if err := c.Upgraded(); err != nil {
			t.Fatalf("upgrade: %v", err)
		}
	}
	binary := bytes.Repeat([]byte{0, 1, 0xff}, 100_000)
	big := strings.Repeat("x", 900_000)
	if err := c.SendBinary(binary); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(big); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		c.Want(fmt.Sprintf("한글 %d", i))
	}
	c.WantBinary(binary)
	if got := c.Text(); got != big {
		t.Fatalf("got %d bytes", len(got))
	}
	c.Close()
}
