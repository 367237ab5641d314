package engineio

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. It is reached only when
// something is wrong.
const patience = 2 * time.Minute

// await returns what comes from c.
func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("%s: channel closed", what)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing comes", what)
		panic("unreachable")
	}
}

// A message as a test sees it.
type received struct {
	data   string
	binary bool
}

// A peer is the server's side of a session: it keeps what the session tells it.
type peer struct {
	session  *Session
	messages chan received // has room for all that a test sends
	closed   chan ending   // has room for one more than there may be
}

func (p *peer) Receive(data []byte, binary bool) { p.messages <- received{string(data), binary} }
func (p *peer) Closed(reason Reason, err error)  { p.closed <- ending{reason, err} }

// peers is a Handler whose sessions a test asks for.
type peers struct {
	opened chan *peer
	onOpen func(*Session)       // called in Open, if not nil
	wrap   func(*peer) Receiver // makes the receiver, if not nil
}

func (h *peers) Open(s *Session) Receiver {
	p := &peer{session: s, messages: make(chan received, 1<<12), closed: make(chan ending, 2)}
	if h.onOpen != nil {
		h.onOpen(s)
	}
	h.opened <- p
	if h.wrap != nil {
		return h.wrap(p)
	}
	return p
}

// A site is a server that a test talks to, over TCP or in memory.
type site struct {
	t testing.TB
	*peers
	srv   *Server
	http  *httptest.Server
	cl    *http.Client
	conns func() (net.Conn, error) // connects to it
}

func newPeers() *peers { return &peers{opened: make(chan *peer, 4096)} }

// serve starts a server that ends with the test.
func serve(t testing.TB, opts Options) *site { return serveWith(t, newPeers(), opts, false) }

func serveWith(t testing.TB, h *peers, opts Options, secure bool) *site {
	t.Helper()
	hs := httptest.NewUnstartedServer(nil)
	return start(t, h, opts, hs, secure, func() (net.Conn, error) {
		addr := hs.Listener.Addr().String()
		if secure {
			return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		}
		return net.Dial("tcp", addr)
	})
}

// serveInMemory is serve without the operating system, for synctest.
func serveInMemory(t testing.TB, opts Options) *site {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	return start(t, newPeers(), opts, &httptest.Server{Listener: l, Config: &http.Server{}}, false, l.dial)
}

func start(t testing.TB, h *peers, opts Options, hs *httptest.Server, secure bool, dial func() (net.Conn, error)) *site {
	srv := NewServer(h, opts)
	hs.Config.Handler = srv
	hs.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that tests break off
	if secure {
		hs.StartTLS()
	} else {
		hs.Start()
	}
	s := &site{t: t, peers: h, srv: srv, http: hs, cl: hs.Client(), conns: dial}
	tr := s.cl.Transport.(*http.Transport)
	tr.MaxIdleConnsPerHost = 100
	if !secure {
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return dial() }
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if n := srv.Sessions(); n != 0 {
			t.Errorf("%d sessions after Close", n)
		}
		checkStats(t, srv.Stats())
		s.cl.CloseIdleConnections()
		hs.Close()
	})
	return s
}

// A pipeListener makes connections in memory.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// A reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   string
}

// request sends one request and returns its answer.
func (s *site) request(method, query, contentType string, body io.Reader) reply {
	s.t.Helper()
	r, err := s.try(s.t.Context(), method, query, contentType, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, query, err)
	}
	return r
}

func (s *site) try(ctx context.Context, method, query, contentType string, body io.Reader) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.http.URL+"/engine.io/?"+query, body)
	if err != nil {
		return reply{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := s.cl.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b)}, err
}

// A polling is a client that polls.
type polling struct {
	*site
	*peer
	query string // with sid
}

// poll opens a session over polling; query is "EIO=4" and the like.
func (s *site) poll(query string) *polling {
	s.t.Helper()
	query += "&transport=polling"
	r := s.request("GET", query, "", nil)
	if r.status != 200 {
		s.t.Fatalf("handshake: %d %s", r.status, r.body)
	}
	return &polling{s, await(s.t, s.opened, "session"), query + "&sid=" + sidOf(s.t, r.body)}
}

func sidOf(t testing.TB, body string) string {
	t.Helper()
	var open struct{ SID string }
	_, data, _ := strings.Cut(body, "{")
	if err := json.NewDecoder(strings.NewReader("{" + data)).Decode(&open); err != nil || open.SID == "" {
		t.Fatalf("no open packet: %q", body)
	}
	return open.SID
}

func (c *polling) get() reply { c.t.Helper(); return c.request("GET", c.query, "", nil) }

func (c *polling) post(body string) reply {
	c.t.Helper()
	return c.request("POST", c.query, "text/plain;charset=UTF-8", strings.NewReader(body))
}

// hang sends a GET that waits, and returns once the server has it.
func (c *polling) hang() <-chan reply {
	c.t.Helper()
	ch := make(chan reply, 1)
	go func() {
		r, err := c.try(c.t.Context(), "GET", c.query, "", nil)
		if err != nil {
			r.body = err.Error()
		}
		ch <- r
	}()
	eventually(c.t, "waiting GET", func() bool { return c.session.polled() })
	return ch
}

// polled says whether a GET waits.
func (s *Session) polled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poll != nil
}

// eventually waits until a state inside the server is reached that nobody tells of.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

func (c *polling) want(r reply, status int, body string) {
	c.t.Helper()
	if r.status != status || r.body != body {
		c.t.Fatalf("got %d %q, want %d %q", r.status, r.body, status, body)
	}
}

func (p *peer) wantMessage(t testing.TB, data string) {
	t.Helper()
	if m := await(t, p.messages, "message "+data); m.data != data {
		t.Fatalf("received %.100q, want %.100q", m.data, data)
	}
}

func (p *peer) wantClosed(t testing.TB, reason Reason) error {
	t.Helper()
	e := await(t, p.closed, "end of session")
	if e.reason != reason {
		t.Fatalf("closed with %q (%v), want %q", e.reason, e.err, reason)
	}
	return e.err
}

// text makes a message as the layer above does.
func text(s string) *Message {
	return NewMessage(append(make([]byte, Headroom), s...), nil)
}

// A socket is a client's WebSocket connection, frame by frame.
type socket struct {
	t    testing.TB
	conn net.Conn
	r    io.Reader
	*peer
}

// dial opens a WebSocket without waiting for a packet; query has sid for a probe.
func (s *site) dial(query string) *socket {
	s.t.Helper()
	c, err := s.tryDial(query)
	if err != nil {
		s.t.Fatalf("dial: %v", err)
	}
	return c
}

func (s *site) tryDial(query string) (*socket, error) {
	conn, err := s.conns()
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: "ws", Host: "example", Path: "/engine.io/", RawQuery: "transport=websocket&" + query}
	br, _, err := ws.Dialer{}.Upgrade(conn, u)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	c := &socket{t: s.t, conn: conn, r: conn}
	if br != nil {
		c.r = br
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return c, nil
}

// websocket opens a session over WebSocket.
func (s *site) websocket(query string) *socket {
	s.t.Helper()
	c := s.dial(query)
	if open := c.read(); open[0] != '0' {
		s.t.Fatalf("first packet: %q", open)
	}
	c.peer = await(s.t, s.opened, "session")
	return c
}

// write sends frames in one piece.
func (c *socket) write(frames ...[]byte) {
	c.t.Helper()
	if _, err := c.conn.Write(bytes.Join(frames, nil)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// packet sends a packet of text.
func (c *socket) packet(data string) { c.t.Helper(); c.write(frame(ws.OpText, data)) }

// next returns the server's next frame.
func (c *socket) next() ws.Frame {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	h, err := ws.ReadHeader(c.r)
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	if err == nil {
		_, err = io.ReadFull(c.r, f.Payload)
	}
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return f
}

// read returns the next packet.
func (c *socket) read() string {
	c.t.Helper()
	f := c.next()
	if f.Header.OpCode != ws.OpText {
		c.t.Fatalf("frame of type %x, %q", f.Header.OpCode, f.Payload)
	}
	return string(f.Payload)
}

// wantEnd reads until the server has closed the connection.
func (c *socket) wantEnd() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c.r); errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the server keeps the connection")
	}
}

// frame is a masked frame of a client.
func frame(op ws.OpCode, data string) []byte { return fragment(op, true, data) }

func fragment(op ws.OpCode, fin bool, data string) []byte {
	f := ws.NewFrame(op, fin, []byte(data))
	return ws.MustCompileFrame(ws.MaskFrame(f))
}

// A rawConn is a connection on which a test writes what it likes.
type rawConn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (s *site) raw() *rawConn {
	s.t.Helper()
	conn, err := s.conns()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &rawConn{s.t, conn, bufio.NewReader(conn)}
}

func (c *rawConn) send(data string) {
	c.t.Helper()
	if _, err := io.WriteString(c, data); err != nil {
		c.t.Fatal(err)
	}
}

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
