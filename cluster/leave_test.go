package cluster_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// TestLeave stops the node that clients' WebSockets are at: their sessions end in good
// order, what waits for them comes first, at a pace, and nobody is left.
func TestLeave(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		var upgraded []*siotest.Client
		for range 3 {
			c := clients.Open(siotest.Options{Upgrade: true})
			if err := c.Upgraded(); err != nil {
				t.Fatal(err)
			}
			upgraded = append(upgraded, c)
			text := append(make([]byte, engineio.Headroom), "the last word"...)
			(<-p.owner.opened).Send(engineio.NewMessage(text, nil))
		}
		began := time.Now()
		p.front.Drain()
		if err := p.front.Leave(t.Context(), 10); err != nil {
			t.Error(err)
		}
		if err := p.front.AwaitLeft(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began).Truncate(100 * time.Millisecond); took != 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		for _, c := range upgraded {
			c.WantEnd("the last word")
			p.wantClosed(t, engineio.ForcedClose)
		}
	})
}

// TestLeaveUpgrading: a client that is about to upgrade does not get stuck in it, as those
// in JavaScript do if the WebSocket ends before its first packet is the transport's.
func TestLeaveUpgrading(t *testing.T) {
	opts := engineio.Options{Transports: []string{engineio.Polling, engineio.WebTransport}}
	bubble(t, opts, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		s := openStream(t, p, handshake(t, clients)) // which has stopped polling
		s.send("2probe")
		s.want("3probe")
		p.front.Drain()
		if err := p.front.Leave(t.Context(), 1); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		s.send("5")
		s.want("2") // the farewell on a stream
		s.send("3")
		p.wantClosed(t, engineio.ForcedClose)
		s.conn.Close()
		if err := p.front.AwaitLeft(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestLeaving: a node that drains takes no connections for others, and says so in time.
func TestLeaving(t *testing.T) {
	bubble(t, engineio.Options{}, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		p.front.Drain()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.front.Leave(ctx, 1); err != nil {
			t.Errorf("with nobody to tell: %v", err)
		}
		u := &engineio.Upgrade{Session: c.SID, Protocol: 4, Transport: engineio.WebSocket}
		if err := p.front.Upgrade(t.Context(), u); err != engineio.ErrBusy {
			t.Errorf("upgrade: %v", err)
		}
		status, body, err := clients.Get("/engine.io/?EIO=4&transport=polling&sid=nobody")
		if err != nil || status != http.StatusBadRequest {
			t.Error(status, body, err)
		}
	})
}
