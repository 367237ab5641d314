package socketio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/enginewire"
	"github.com/damso/damso/socketio"
)

// A rarePoller is a client that polls when the test says so.
type rarePoller struct {
	t        *testing.T
	protocol int
	url      string // with sid
	last     int    // number that came
}

// pollRarely opens a session over long-polling and joins the main namespace.
func pollRarely(t *testing.T, at string, protocol int) *rarePoller {
	p := &rarePoller{t: t, protocol: protocol, url: fmt.Sprintf("%s/socket.io/?EIO=%d&transport=polling", at, protocol)}
	packets, _ := p.get()
	var open struct{ SID string }
	if len(packets) == 0 || json.Unmarshal(packets[0].Data, &open) != nil {
		t.Fatalf("open: %v", packets)
	}
	p.url += "&sid=" + open.SID
	if protocol == 4 {
		res, err := http.Post(p.url, "text/plain;charset=UTF-8", strings.NewReader("40"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	return p
}

// get polls once. It returns the size of the answer's body, and no packets if the
// session is over.
func (p *rarePoller) get() ([]enginewire.Packet, int) {
	p.t.Helper()
	res, err := http.Get(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != 200 {
		return nil, len(body)
	}
	var packets []enginewire.Packet
	if p.protocol == 3 {
		packets, err = enginewire.DecodePayload3(body, strings.HasPrefix(res.Header.Get("Content-Type"), "application/octet-stream"), 10_000)
	} else {
		packets, err = enginewire.DecodePayload4(body, 10_000)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return packets, len(body)
}

// numbers polls once and returns the numbers that come, which must ascend, and no
// more bytes than may wait.
func (p *rarePoller) numbers(most int) (got []int) {
	p.t.Helper()
	packets, size := p.get()
	if size > most {
		p.t.Errorf("%d bytes were waiting", size)
	}
	for _, packet := range packets {
		var n int
		if _, err := fmt.Sscanf(string(packet.Data), `2["n",%d,`, &n); err != nil {
			continue // the answer to joining
		}
		if n <= p.last {
			p.t.Fatalf("%d came after %d", n, p.last)
		}
		p.last = n
		got = append(got, n)
	}
	return got
}

// TestSlowPolling has a client poll now and then, while far more is broadcast than
// it has room for: what waits stays within the limit, and what comes is what the
// policy says.
func TestSlowPolling(t *testing.T) {
	const rounds, each, room = 4, 300, 100_000
	text := strings.Repeat("x", 1000)
	for _, test := range []struct {
		name  string
		emit  func(ns *socketio.Namespace) socketio.Broadcast
		check func(t *testing.T, got []int, first, last int)
		count func(s engineio.SlowStats) uint64 // of those that did not come
	}{
		{"drop oldest", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Local().IfSlow(socketio.DropOldest) },
			func(t *testing.T, got []int, _, last int) {
				if len(got) < 50 || got[len(got)-1] != last || got[0] != last-len(got)+1 {
					t.Errorf("%d came, %d to %d, the last that was sent is %d", len(got), got[0], got[len(got)-1], last)
				}
			}, func(s engineio.SlowStats) uint64 { return s.DroppedOldest }},
		{"drop newest", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Local().IfSlow(socketio.DropNewest) },
			func(t *testing.T, got []int, first, _ int) {
				if len(got) < 50 || got[0] != first || got[len(got)-1] != first+len(got)-1 {
					t.Errorf("%d came, %d to %d, the first that was sent is %d", len(got), got[0], got[len(got)-1], first)
				}
			}, func(s engineio.SlowStats) uint64 { return s.DroppedNewest }},
		{"keep latest", func(ns *socketio.Namespace) socketio.Broadcast { return ns.Local().KeepLatest("key") },
			func(t *testing.T, got []int, _, last int) {
				if len(got) != 1 || got[0] != last {
					t.Errorf("%v came, the last that was sent is %d", got, last)
				}
			}, func(s engineio.SlowStats) uint64 { return s.Replaced }},
	} {
		for _, protocol := range []int{3, 4} {
			t.Run(fmt.Sprintf("%s, protocol %d", test.name, protocol), func(t *testing.T) {
				srv, p := rarely(t, protocol, room)
				b, n, came := test.emit(srv.Of("/")), 0, 0
				for range rounds {
					first := n + 1
					for range each {
						n++
						if err := b.Emit("n", n, text); err != nil {
							t.Fatal(err)
						}
					}
					got := p.numbers(room)
					if len(got) == 0 {
						t.Fatal("nothing came")
					}
					test.check(t, got, first, n)
					came += len(got)
				}
				if stats := srv.SlowStats(); test.count(stats) != uint64(n-came) || stats.Closed > 0 {
					t.Errorf("%d of %d came; %+v", came, n, stats)
				}
			})
		}
	}
}

// TestSlowPollingClosed is TestSlowPolling with the policy that ends the session.
func TestSlowPollingClosed(t *testing.T) {
	for _, protocol := range []int{3, 4} {
		srv, p := rarely(t, protocol, 100_000)
		ns := srv.Of("/")
		reasons := gone(ns)
		for n := 1; srv.SlowStats().Closed == 0; n++ {
			if n > 1000 {
				t.Fatal("a megabyte is waiting")
			}
			if err := ns.Emit("n", n, strings.Repeat("x", 1000)); err != nil {
				t.Fatal(err)
			}
		}
		if got := next(t, reasons); got != socketio.TransportError {
			t.Errorf("reason %q", got)
		}
		if packets, _ := p.get(); packets != nil {
			t.Errorf("the session goes on: %v", packets)
		}
		if got := srv.SlowStats(); got != (engineio.SlowStats{Closed: 1}) {
			t.Errorf("%+v", got)
		}
	}
}

// rarely returns a server with so much room for each client, and a client that has
// joined and been told.
func rarely(t *testing.T, protocol, room int) (*socketio.Server, *rarePoller) {
	srv := newServer(t, socketio.Options{Engine: engineio.Options{MaxBuffer: room}})
	sockets := joined(srv.Of("/"))
	at := httptest.NewServer(srv)
	t.Cleanup(at.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	p := pollRarely(t, at.URL, protocol)
	next(t, sockets)
	if protocol == 4 {
		p.get() // the answer to joining; for 3 it comes with the handshake
	}
	return srv, p
}
