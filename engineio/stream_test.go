package engineio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
)

// overStreams are the options with the transport for it.
func overStreams(o Options) Options {
	o.Transports = []string{Polling, WebSocket, WebTransport}
	return o
}

// A flow is a client's end of a stream.
type flow struct {
	t      testing.TB
	conn   net.Conn
	served <-chan error // what ServeStream has returned
	*peer
}

// flow hands a stream to the server.
func (s *site) flow() *flow {
	s.t.Helper()
	ours, theirs := net.Pipe()
	s.t.Cleanup(func() { _ = ours.Close() })
	served := make(chan error, 1)
	r := httptest.NewRequest(http.MethodGet, "https://example/engine.io/?EIO=4&transport=webtransport", nil)
	r.Method = http.MethodConnect
	go func() { served <- s.srv.ServeStream(context.Background(), r, theirs) }()
	return &flow{t: s.t, conn: ours, served: served}
}

// stream opens a session over a stream.
func (s *site) stream() *flow {
	s.t.Helper()
	c := s.flow()
	c.packet("0")
	if open := c.read(); open[0] != '0' {
		s.t.Fatalf("first packet: %q", open)
	}
	c.peer = await(s.t, s.opened, "session")
	return c
}

func (c *flow) write(frames ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, strings.Join(frames, "")); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *flow) packet(data string) { c.t.Helper(); c.write(bare(ws.OpText, data)) }

// next returns the server's next message.
func (c *flow) next() received {
	c.t.Helper()
	m, err := c.tryNext()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return m
}

func (c *flow) tryNext() (received, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	var header []byte
	for {
		if _, start := parseBare(header); start > 0 {
			break
		}
		var b [1]byte
		if _, err := io.ReadFull(c.conn, b[:]); err != nil {
			return received{}, err
		}
		header = append(header, b[0])
	}
	length, _ := parseBare(header)
	payload := make([]byte, length)
	_, err := io.ReadFull(c.conn, payload)
	return received{string(payload), header[0]&0x80 != 0}, err
}

// read returns the next packet.
func (c *flow) read() string {
	c.t.Helper()
	m := c.next()
	if m.binary {
		c.t.Fatalf("binary: %q", m.data)
	}
	return m.data
}

func (c *flow) want(data string) {
	c.t.Helper()
	if got := c.read(); got != data {
		c.t.Fatalf("got %q, want %q", got, data)
	}
}

// wantEnd reads until the server has closed the stream.
func (c *flow) wantEnd() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c.conn); err != nil {
		c.t.Fatalf("the server keeps the stream: %v", err)
	}
}

// bare is a frame of a stream.
func bare(op ws.OpCode, data string) string {
	b := appendLength(nil, len(data))
	if op == ws.OpBinary {
		b[0] |= 0x80
	}
	return string(b) + data
}

func TestStreamMessages(t *testing.T) {
	s := serve(t, overStreams(Options{PerMessageDeflate: &Deflate{Threshold: 1}}))
	c := s.flow()
	c.packet("0")
	open := c.read()
	c.peer = await(t, s.opened, "session")
	if want := `0{"sid":"` + c.session.ID() + `","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`; open != want {
		t.Errorf("got %s, want %s", open, want)
	}
	if err := await(t, c.served, "ServeStream"); err != nil {
		t.Error(err)
	}
	if c.session.Transport() != WebTransport || c.session.Protocol() != 4 || s.srv.Sessions() != 1 {
		t.Errorf("transport %s, protocol %d, %d sessions", c.session.Transport(), c.session.Protocol(), s.srv.Sessions())
	}
	if q := c.session.Request(); q.URL != "/engine.io/?EIO=4&transport=webtransport" || !q.Secure {
		t.Errorf("request %+v", q)
	}

	long := strings.Repeat("a", 70_000)
	c.write(bare(ws.OpText, "4안녕"), bare(ws.OpBinary, "\x00\xff"), bare(ws.OpText, "bAAH/"), bare(ws.OpText, "4"), bare(ws.OpBinary, ""),
		bare(ws.OpText, "6"), bare(ws.OpText, "4"+long[:200]), bare(ws.OpBinary, long))
	for _, want := range []received{{"안녕", false}, {"\x00\xff", true}, {"\x00\x01\xff", true}, {"", false}, {"", true}, {long[:200], false}, {long, true}} {
		if got := await(t, c.messages, "message"); got != want {
			t.Errorf("received %.20v, want %.20v", got, want)
		}
	}

	c.session.Send(message("안녕", []byte{0, 255}, []byte{}, []byte(long)))
	c.session.Send(NewBinaryMessage([]byte{1}))
	c.session.Send(text(long))
	for _, want := range []received{{"4안녕", false}, {"\x00\xff", true}, {"b", false}, {long, true}, {"\x01", true}, {"4" + long, false}} {
		if got := c.next(); got != want {
			t.Errorf("got %.20v, want %.20v", got, want)
		}
	}
	_ = c.conn.Close()
	c.wantClosed(t, TransportClose)
}

// Streams that break the protocol before or after they have a session.
func TestStreamFaults(t *testing.T) {
	const open = "\x010"
	for _, tt := range []struct {
		name, stream string
		reason       Reason // "" if no session comes of it
	}{
		{"no open packet", "\x024a", ""},
		{"binary first", "\x810", ""},
		{"empty first", "\x00", ""},
		{"large first", "\x7e\x01\x01" + "0" + strings.Repeat(" ", 256), ""},
		{"huge first", "\x7f\xff\xff\xff\xff\xff\xff\xff\xff", ""},
		{"no JSON", bare(ws.OpText, "0x"), ""},
		{"no sid", bare(ws.OpText, "0{}"), ""},
		{"sid of another type", bare(ws.OpText, `0{"sid":1}`), ""},
		{"unknown sid", bare(ws.OpText, `0{"sid":"__proto__"}`), ""},
		{"empty text", open + "\x00", ParseError},
		{"no packet", open + "\x019", ParseError},
		{"not UTF-8", open + "\x024\xff", ParseError},
		{"too large", open + "\x7e\x03\xe9", ParseError},
		{"too large, binary", open + "\xfe\x03\xe9", ParseError},
		{"huge", open + "\x7f\xff\xff\xff\xff\xff\xff\xff\xff", ParseError},
		{"ping", open + "\x012", TransportError},
		{"close", open + "\x011", TransportClose},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, overStreams(Options{MaxPayload: 1000}))
			c := s.flow()
			go c.write(tt.stream)
			c.wantEnd()
			err := await(t, c.served, "ServeStream")
			if tt.reason != "" {
				await(t, s.opened, "session").wantClosed(t, tt.reason)
			} else if err == nil || s.srv.Sessions() != 0 {
				t.Errorf("error %v, %d sessions", err, s.srv.Sessions())
			}
		})
	}
}

func TestStreamRefused(t *testing.T) {
	no := errors.New("no")
	for _, tt := range []struct {
		name string
		opts Options
		code int
	}{
		{"not among the transports", Options{}, 0},
		{"AllowRequest", overStreams(Options{AllowRequest: func(*http.Request) error { return no }}), 4},
		{"Admit", overStreams(Options{Admit: func(*http.Request) (func(), error) { return nil, no }}), 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := make(chan *ConnectionError, 1)
			tt.opts.OnConnectionError = func(_ *http.Request, err *ConnectionError) { told <- err }
			c := serve(t, tt.opts).flow()
			c.packet("0")
			c.wantEnd()
			if err := await(t, told, "OnConnectionError"); err.Code != tt.code {
				t.Error(err)
			}
			if failure := new(ConnectionError); !errors.As(await(t, c.served, "ServeStream"), &failure) || failure.Code != tt.code {
				t.Error(failure)
			}
		})
	}
	t.Run("closing", func(t *testing.T) {
		released := make(chan bool, 1)
		s := serve(t, overStreams(Options{Admit: func(*http.Request) (func(), error) { return func() { released <- true }, nil }}))
		if err := s.srv.Close(); err != nil {
			t.Fatal(err)
		}
		c := s.flow()
		c.packet("0")
		c.wantEnd()
		await(t, released, "release")
	})
	t.Run("over HTTP", func(t *testing.T) {
		r := serve(t, overStreams(Options{})).request("GET", "EIO=4&transport=webtransport", "", nil)
		if r.status != 400 || r.body != `{"code":0,"message":"Transport unknown"}` {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestStreamUpgrade(t *testing.T) {
	s := serve(t, overStreams(Options{}))
	r := s.request("GET", "EIO=4&transport=polling", "", nil)
	if !strings.Contains(r.body, `"upgrades":["websocket","webtransport"]`) {
		t.Error(r.body)
	}
	c := &polling{s, await(t, s.opened, "session"), "EIO=4&transport=polling&sid=" + sidOf(t, r.body)}
	get := c.hang()
	w := s.flow()
	w.write(bare(ws.OpText, `0{"sid":"`+c.session.ID()+`"}`), bare(ws.OpText, "2probe")) // in one piece
	w.want("3probe")
	c.want(await(t, get, "released GET"), 200, "6")
	if err := await(t, w.served, "ServeStream"); err != nil || c.session.Transport() != Polling {
		t.Error(err, c.session.Transport())
	}
	c.session.Send(text("during"))
	w.packet("5")
	w.want("4during")
	if c.session.Transport() != WebTransport {
		t.Error("not upgraded")
	}
	w.packet("4up")
	c.wantMessage(t, "up")
	if r := c.get(); r.status != 400 {
		t.Errorf("GET after the upgrade: %d", r.status)
	}

	other := s.flow()
	other.packet(`0{"sid":"` + c.session.ID() + `"}`)
	other.wantEnd()
	w.packet("4still up")
	c.wantMessage(t, "still up")
}

func TestStreamUpgradeRefused(t *testing.T) {
	for name, opts := range map[string]Options{"NoUpgrades": {NoUpgrades: true}, "protocol 3": {}} {
		t.Run(name, func(t *testing.T) {
			query := "EIO=4"
			if name == "protocol 3" {
				query = "EIO=3"
			}
			s := serve(t, overStreams(opts))
			c := s.poll(query)
			w := s.flow()
			w.packet(`0{"sid":"` + c.session.ID() + `"}`)
			w.wantEnd()
			c.session.Send(text("a"))
			if r := c.get(); r.status != 200 || !strings.HasSuffix(r.body, "4a") {
				t.Errorf("%d %q", r.status, r.body)
			}
		})
	}
	t.Run("second probe", func(t *testing.T) {
		s := serve(t, overStreams(Options{}))
		c := s.poll("EIO=4")
		w := s.flow()
		w.write(bare(ws.OpText, `0{"sid":"`+c.session.ID()+`"}`), bare(ws.OpText, "2probe"))
		w.want("3probe")
		c.dial("EIO=4&sid=" + c.session.ID()).wantEnd()
		w.packet("4 is not for probes")
		w.wantEnd()
		c.want(c.post("4a"), 200, "ok")
	})
}

func TestStreamTimes(t *testing.T) {
	t.Run("silent", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.flow()
			c.wantEnd()
			watch.want(10, "end")
			if err := await(t, c.served, "ServeStream"); err == nil {
				t.Error("no error")
			}
		})
	})
	t.Run("half an open packet", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.flow()
			c.write("\x20" + `0{"sid"`)
			c.wantEnd()
			watch.want(10, "end")
		})
	})
	t.Run("no probe", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.poll("EIO=4")
			w := s.flow()
			w.packet(`0{"sid":"` + c.session.ID() + `"}`)
			w.wantEnd()
			watch.want(10, "end")
		})
	})
	t.Run("heartbeat", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.stream()
			c.want("2")
			watch.want(25, "ping")
			c.packet("3")
			c.want("2")
			watch.want(50, "second ping")
			c.wantClosed(t, PingTimeout)
			watch.want(70, "end")
			c.wantEnd()
		})
	})
}

// Closing waits until the client has shown that it has everything, but not for
// ever.
func TestStreamClose(t *testing.T) {
	t.Run("answered", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.stream()
			c.session.Send(text("last"))
			c.session.Close()
			c.want("4last")
			c.want("2")
			c.wantClosed(t, ForcedClose)
			time.Sleep(time.Second)
			c.packet("3")
			c.wantEnd()
			watch.want(1, "end")
		})
	})
	t.Run("beside a heartbeat", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.stream()
			c.want("2")
			c.session.Close()
			c.want("2")
			c.packet("3")
			time.Sleep(time.Second)
			c.packet("3")
			c.wantEnd()
			watch.want(26, "end")
		})
	})
	t.Run("not answered", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.stream()
			c.session.Close()
			c.want("2")
			c.wantEnd()
			watch.want(5, "end")
		})
	})
	t.Run("not read", func(t *testing.T) {
		inTime(t, overStreams(Options{}), func(t *testing.T, s *site) {
			watch := startWatch(t)
			c := s.stream()
			c.session.Close()
			c.wantClosed(t, ForcedClose)
			watch.want(30, "end")
		})
	})
	t.Run("Shutdown", func(t *testing.T) {
		s := serve(t, overStreams(Options{}))
		c := s.stream()
		down := make(chan error, 1)
		go func() { down <- s.srv.Shutdown(context.Background()) }()
		c.want("2")
		c.packet("3")
		if err := await(t, down, "Shutdown"); err != nil {
			t.Error(err)
		}
		c.wantClosed(t, ForcedClose)
		c.wantEnd()
	})
}

func TestStreamSlowClient(t *testing.T) {
	s := serve(t, overStreams(Options{MaxBuffer: 1 << 16}))
	c := s.stream()
	for range 1 << 10 {
		c.session.Send(text(strings.Repeat("a", 1000)))
	}
	if err := c.wantClosed(t, TransportError); !errors.Is(err, ErrSlowClient) {
		t.Error(err)
	}
	c.wantEnd()
}

// readBare returns the messages in a stream that comes in pieces.
func readBare(stream []byte, piece int) (messages []string, err error) {
	f := frameReader{max: 1000, bare: true}
	for len(stream) > 0 && err == nil {
		n := min(piece, len(stream))
		err = f.feed(bytes.Clone(stream[:n]), func(op ws.OpCode, payload []byte) error {
			messages = append(messages, bare(op, string(payload)))
			return nil
		})
		if len(f.pending) > 1000+9 {
			return nil, errors.New("keeps more than a frame")
		}
		stream = stream[n:]
	}
	return messages, err
}

func FuzzStreamFrames(f *testing.F) {
	for _, stream := range []string{"", "\x010", "\x024a\x81\x00", "\x80", "\x00", "\x7e\x00\x7e" + strings.Repeat("a", 126), "\xfe\x00\x01a",
		"\x7f\x00\x00\x00\x00\x00\x00\x00\x014\x012", "\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "\x7e\x03\xe9"} {
		f.Add([]byte(stream), uint8(2))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, err := readBare(stream, max(len(stream), 1))
		pieces, err2 := readBare(stream, int(size)+1)
		if diff := cmp.Diff(whole, pieces); diff != "" || !errors.Is(err2, err) {
			t.Errorf("errors %v and %v, -whole +pieces\n%s", err, err2, diff)
		}
		again, err := readBare([]byte(strings.Join(whole, "")), 7)
		if diff := cmp.Diff(whole, again); diff != "" || err != nil {
			t.Errorf("error %v, -read +written and read\n%s", err, diff)
		}
	})
}
