package cluster_test

import (
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/cluster"
	"github.com/damso/damso/engineio"
	"github.com/damso/damso/internal/siotest"
)

// A byteStream is a stream of WebTransport at the front.
type byteStream struct {
	t    *testing.T
	conn net.Conn
}

// openStream opens one for a client's session.
func openStream(t *testing.T, p *pair, sid string) byteStream {
	t.Helper()
	ours, theirs := net.Pipe()
	r, err := http.NewRequest(http.MethodConnect, "/engine.io/", nil)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.front.engine.ServeStream(t.Context(), r, theirs) }()
	s := byteStream{t, ours}
	s.send(`0{"sid":"` + sid + `"}`)
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return s
}

func (s byteStream) send(packet string) {
	s.t.Helper()
	if _, err := s.conn.Write(append([]byte{byte(len(packet))}, packet...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s byteStream) want(packet string) {
	s.t.Helper()
	buf := make([]byte, 1+len(packet))
	if _, err := io.ReadFull(s.conn, buf); err != nil || string(buf[1:]) != packet {
		s.t.Fatalf("got %q, %v; want %q", buf, err, packet)
	}
}

// TestStream upgrades a session to a stream at another node, as WebTransport has them.
func TestStream(t *testing.T) {
	opts := engineio.Options{Transports: []string{engineio.Polling, engineio.WebTransport}}
	bubble(t, opts, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		s := openStream(t, p, clients.Open(siotest.Options{Polling: true}).SID)
		s.send("2probe")
		s.want("3probe")
		s.send("5")
		s.send("4hello")
		s.want("4hello")
		s.conn.Close()
		p.wantClosed(t, engineio.TransportClose)
	})
}

// TestCloseSlowReader stops the node of a client that takes nothing any more.
func TestCloseSlowReader(t *testing.T) {
	opts := engineio.Options{Transports: []string{engineio.Polling, engineio.WebTransport}}
	bubble(t, opts, cluster.Options{}, func(t *testing.T, p *pair, clients *siotest.Server) {
		c := clients.Open(siotest.Options{Polling: true})
		ours, theirs := net.Pipe()
		defer ours.Close()
		p.front.Relay(&engineio.Upgrade{Session: c.SID, Protocol: 4, Transport: engineio.WebTransport}, theirs, nil)
		if _, err := ours.Write([]byte("\x062probe")); err != nil { // and does not read the answer
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		p.front.Close()
		if took := time.Since(began); took > 0 {
			t.Errorf("waited %v for the client", took)
		}
	})
}

// TestForgedStream asks for a session that there is not.
func TestForgedStream(t *testing.T) {
	opts := engineio.Options{Transports: []string{engineio.Polling, engineio.WebTransport}}
	bubble(t, opts, cluster.Options{}, func(t *testing.T, p *pair, _ *siotest.Server) {
		for _, sid := range []string{p.owner.Prefix() + "AAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA"} {
			ours, theirs := net.Pipe()
			served := make(chan error, 1)
			r, err := http.NewRequest(http.MethodConnect, "/engine.io/", nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() { served <- p.front.engine.ServeStream(t.Context(), r, theirs) }()
			open := `0{"sid":"` + sid + `"}`
			if _, err := ours.Write(append([]byte{byte(len(open))}, open...)); err != nil {
				t.Fatal(err)
			}
			if err := <-served; err == nil {
				t.Errorf("%q was taken", sid)
			}
			synctest.Wait()
			if _, err := ours.Read(make([]byte, 1)); err == nil {
				t.Errorf("%q is kept", sid)
			}
		}
	})
}
