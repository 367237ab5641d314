package webtransport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
	"go.uber.org/goleak"

	"github.com/damso/damso/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 2 * time.Minute

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing comes", what)
		panic("unreachable")
	}
}

// certificate makes one for 127.0.0.1, and a pool that trusts it.
func certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// A peer is the server's side of a session.
type peer struct {
	session  *engineio.Session
	messages chan string
	closed   chan engineio.Reason
	errs     chan error
}

func (p *peer) Receive(data []byte, _ bool)              { p.messages <- string(data) }
func (p *peer) Closed(reason engineio.Reason, err error) { p.closed <- reason; p.errs <- err }

// A site is a server that a test talks to.
type site struct {
	t      testing.TB
	engine *engineio.Server
	opened chan *peer
	url    string
	tls    *tls.Config  // of clients
	stop   func() error // ends Serve
}

func (s *site) Open(session *engineio.Session) engineio.Receiver {
	p := &peer{session, make(chan string, 1<<10), make(chan engineio.Reason, 1), make(chan error, 1)}
	s.opened <- p
	return p
}

func serve(t testing.TB, opts engineio.Options) *site { return serveWith(t, Server{}, opts) }

func serveWith(t testing.TB, server Server, opts engineio.Options) *site {
	t.Helper()
	if opts.Transports == nil {
		opts.Transports = []string{engineio.Polling, engineio.WebTransport}
	}
	config, pool := certificate(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, opened: make(chan *peer, 16), tls: &tls.Config{RootCAs: pool, NextProtos: []string{http3.NextProtoH3}}}
	s.url = "https://" + udp.LocalAddr().String() + "/engine.io/?EIO=4&transport=webtransport"
	s.engine = engineio.NewServer(s, opts)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	server.Engine, server.TLS = s.engine, config
	go func() { done <- server.Serve(ctx, udp) }()
	s.stop = func() error { cancel(); return await(t, done, "end of Serve") }
	t.Cleanup(func() {
		if err := s.engine.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		_ = udp.Close()
	})
	return s
}

// connect opens a WebTransport session.
func (s *site) connect() *webtransport.Session {
	s.t.Helper()
	dialer := &webtransport.Transport{TLSClientConfig: s.tls}
	_, session, err := dialer.Dial(s.t.Context(), s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = session.CloseWithError(0, "")
		_ = dialer.Close()
	})
	return session
}

// A client has a stream.
type client struct {
	t       testing.TB
	session *webtransport.Session
	*webtransport.Stream
	*peer
}

func (s *site) stream() *client {
	s.t.Helper()
	session := s.connect()
	stream, err := session.OpenStream()
	if err != nil {
		s.t.Fatal(err)
	}
	_ = stream.SetDeadline(time.Now().Add(patience))
	return &client{t: s.t, session: session, Stream: stream}
}

// open opens an Engine.IO session.
func (s *site) open() *client {
	s.t.Helper()
	c := s.stream()
	c.send("\x010")
	if open := c.next(); !strings.HasPrefix(open, `0{"sid":`) {
		s.t.Fatalf("first packet: %q", open)
	}
	c.peer = await(s.t, s.opened, "session")
	return c
}

func (c *client) send(data string) {
	c.t.Helper()
	if _, err := io.WriteString(c, data); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next message of the server.
func (c *client) next() string {
	c.t.Helper()
	header := make([]byte, 1, 9)
	c.full(header)
	length := uint64(header[0] & 0x7f)
	switch length {
	case 126:
		c.full(header[1:3])
		length = uint64(binary.BigEndian.Uint16(header[1:3]))
	case 127:
		c.full(header[1:9])
		length = binary.BigEndian.Uint64(header[1:9])
	}
	data := make([]byte, length)
	c.full(data)
	return string(data)
}

func (c *client) full(p []byte) {
	c.t.Helper()
	if _, err := io.ReadFull(c, p); err != nil {
		c.t.Fatalf("read: %v", err)
	}
}

func (c *client) want(data string) {
	c.t.Helper()
	if got := c.next(); got != data {
		c.t.Fatalf("got %.50q, want %.50q", got, data)
	}
}

// wantEnd waits until the server has closed the session.
func wantEnd(t testing.TB, s *webtransport.Session) {
	t.Helper()
	await(t, s.Context().Done(), "end of the WebTransport session")
}

func (p *peer) wantClosed(t testing.TB, reason engineio.Reason) error {
	t.Helper()
	if got := await(t, p.closed, "end of the session"); got != reason {
		t.Fatalf("closed with %q, want %q", got, reason)
	}
	return await(t, p.errs, "its error")
}

// text makes a message.
func text(s string) *engineio.Message {
	return engineio.NewMessage(append(make([]byte, engineio.Headroom), s...), nil)
}

// A polling is a client without a network, for the begin of an upgrade.
type polling struct{ engine *engineio.Server }

func newPolling(engine *engineio.Server) polling { return polling{engine} }

func (p polling) get(t testing.TB, sid string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=4&transport=polling&sid="+sid, nil)
	w := httptest.NewRecorder()
	p.engine.ServeHTTP(w, r)
	return w.Body.String()
}
