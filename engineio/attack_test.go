package engineio

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// What has brought other servers down; docs/security.md has the list.

// TestTinyFragments sends messages in fragments of a byte, which do not end, over
// many connections: they take the memory of their bytes, not of their number.
func TestTinyFragments(t *testing.T) {
	const conns, count = 20, 50_000
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		bystander := s.websocket("EIO=4")
		fragments := []byte(strings.Repeat(string(fragment(ws.OpContinuation, false, "a")), count))
		empty := []byte(strings.Repeat(string(fragment(ws.OpContinuation, false, "")), count))
		before := inUse()
		sockets := make([]*socket, conns)
		for i := range sockets {
			c := s.websocket("EIO=4")
			sockets[i] = c
			c.write(fragment(ws.OpText, false, "4"), fragments, empty, frame(ws.OpPing, ""))
			if f := c.next(); f.Header.OpCode != ws.OpPong { // so it has read all of them
				t.Fatalf("%x", f.Header.OpCode)
			}
		}
		if size := inUse() - before; size > 10*conns*count {
			t.Errorf("%d bytes for messages of %d bytes", size, conns*count)
		}
		for _, c := range sockets {
			c.write(fragment(ws.OpContinuation, true, "b"))
			c.wantMessage(t, strings.Repeat("a", count)+"b")
		}
		bystander.packet("4still here")
		bystander.wantMessage(t, "still here")
	})
}

// inUse is how many bytes of the heap there are.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Fragments without an end are no sign of life.
func TestTimeEndlessFragments(t *testing.T) {
	inTime(t, Options{}, func(t *testing.T, s *site) {
		watch := startWatch(t)
		c := s.websocket("EIO=4")
		c.write(fragment(ws.OpText, false, "4"))
		for range 44 {
			time.Sleep(time.Second)
			c.write(fragment(ws.OpContinuation, false, ""))
		}
		c.want("2")
		c.wantClosed(t, PingTimeout)
		watch.want(45, "end")
	})
}

// TestHostileQueries has parameters that are no strings, or properties that every
// object has in JavaScript.
func TestHostileQueries(t *testing.T) {
	s := serve(t, Options{})
	good := s.poll("EIO=4")
	for _, name := range []string{"__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "handlesUpgrades"} {
		for query, code := range map[string]int{
			"EIO=4&transport=" + name:                                 0,
			"EIO=4&transport=polling&transport=" + name:               -1,
			"EIO=4&transport[]=polling":                               0,
			"EIO=4&transport[" + name + "]=polling":                   0,
			"EIO=4&transport=polling&sid=" + name:                     1,
			"EIO=4&transport=polling&sid[" + name + "]=x":             -1,
			"EIO=" + name + "&transport=polling":                      -1, // is protocol 3, as without it
			"EIO=4&transport=polling&" + name + "=1&" + name + "=2":   -1,
			"EIO=4&transport=polling&" + name + "[" + name + "]=true": -1,
		} {
			for _, method := range []string{"GET", "POST"} {
				r := s.request(method, query, "", strings.NewReader("4a"))
				switch {
				case method == "POST" && code == -1:
					code = 2 // opens no session
				case code == -1:
					if r.status != 200 {
						t.Errorf("%s %s: %d %s", method, query, r.status, r.body)
					}
					await(t, s.opened, "session")
					continue
				}
				if r.status != 400 || !strings.HasPrefix(r.body, fmt.Sprintf(`{"code":%d,`, code)) {
					t.Errorf("%s %s: %d %s, want code %d", method, query, r.status, r.body, code)
				}
			}
		}
	}
	good.want(good.post("4still here"), 200, "ok")
	good.wantMessage(t, "still here")
}

// TestHostileHeaders opens WebSockets with headers that others have choked on.
func TestHostileHeaders(t *testing.T) {
	s := serve(t, Options{PerMessageDeflate: &Deflate{}})
	many := strings.Repeat("X-A: b\r\n", 3000)
	for name, header := range map[string]string{
		"many headers":                      many,
		"many extensions":                   "Sec-WebSocket-Extensions: " + strings.Repeat("a; b=c, ", 5000) + "d\r\n",
		"extensions of objects":             "Sec-WebSocket-Extensions: constructor, __proto__; toString=1, permessage-deflate; constructor; __proto__=1\r\n",
		"extensions that do not end":        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=\"" + strings.Repeat("\\", 20_000) + "\r\n",
		"protocols with many spaces":        "Sec-WebSocket-Protocol: a" + strings.Repeat(" ", 50_000) + "b\r\n",
		"protocols that are objects":        "Sec-WebSocket-Protocol: __proto__, constructor\r\n",
		"addresses from here to the moon":   "X-Forwarded-For: " + strings.Repeat("1.2.3.4, ", 5000) + "\r\n",
		"cookies that are no cookies":       "Cookie: " + strings.Repeat("=;", 20_000) + "\r\n",
		"an origin that is no address":      "Origin: __proto__\r\n",
		"a content length for what is none": "Content-Length: 5\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.raw()
			go c.send("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + header + "\r\n")
			res, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case res.StatusCode == 101:
				p := await(t, s.opened, "session")
				p.session.Close()
			case res.StatusCode < 400 || res.StatusCode >= 500:
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
}
