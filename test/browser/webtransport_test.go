package browser

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/engineio/webtransport"
	"github.com/damso/damso/internal/testenv"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// TestWebTransport runs the stock client over WebTransport, from the start and after
// an upgrade.
func TestWebTransport(t *testing.T) {
	at, hash := webTransportServer(t)
	browser := testkit.Chromium(t, testkit.QUIC)
	for name, transports := range map[string][]string{
		"alone":   {"webtransport"},
		"upgrade": {"polling", "webtransport"},
	} {
		t.Run(name, func(t *testing.T) {
			page := browser.Open(t, at)
			options, err := json.Marshal(transports)
			if err != nil {
				t.Fatal(err)
			}
			if verdict := page.Text(fmt.Sprintf("verdict(%s, %s)", options, hash)); verdict != "ok" {
				t.Error(verdict)
			}
		})
	}
}

const webTransportPage = `<!doctype html>
<meta charset="utf-8">
<title>The stock client over WebTransport</title>
<script src="/lib.js"></script>
<script>
  // The client closes a transport that the server has closed already, and does not look
  // at what comes of it.
  addEventListener('unhandledrejection', (event) => { if (event.reason instanceof WebTransportError) event.preventDefault(); });
  const heard = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
  const same = (got, want) => { if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error('got ' + JSON.stringify(got).slice(0, 200) + ', want ' + JSON.stringify(want).slice(0, 200)); };
  const bytes = (value) => Array.from(new Uint8Array(value));

  async function exchanges(socket) {
    for (const text of ['안녕하세요, 담소입니다', '🍵', 'a'.repeat(200), '담소'.repeat(50000)]) same(await socket.emitWithAck('echo', text), text);
    const back = await socket.emitWithAck('echo', { parts: [Uint8Array.from([0, 255]).buffer, new ArrayBuffer(0), new ArrayBuffer(70000)] });
    same(bytes(back.parts[0]), [0, 255]);
    same(back.parts.map((part) => part.byteLength), [2, 0, 70000]);
  }

  async function verdict(transports, hash) {
    try {
      const webtransport = { serverCertificateHashes: [{ algorithm: 'sha-256', value: Uint8Array.from(hash) }] };
      const socket = io('/', { transports, transportOptions: { webtransport }, reconnection: false });
      await new Promise((resolve, reject) => { socket.on('connect', resolve); socket.on('connect_error', reject); });
      const { engine } = socket.io;
      if (engine.transport.name !== 'webtransport') {
        await exchanges(socket);
        if (engine.transport.name !== 'webtransport') await heard(engine, 'upgrade');
      }
      await exchanges(socket);
      same(engine.transport.name, 'webtransport');
      await heard(engine, 'ping');
      const last = heard(socket, 'last'), end = heard(socket, 'disconnect');
      socket.emit('leave');
      same(await last, ['farewell']);
      same((await end)[0], 'io server disconnect');
      return 'ok';
    } catch (err) {
      return String(err.stack || err);
    }
  }
</script>
`

// webTransportServer serves the page, and Socket.IO over HTTP and WebTransport, which
// must have the same port. hash is that of the certificate, as JSON.
func webTransportServer(t *testing.T) (at, hash string) {
	modules := testenv.NeedNodeModules(t, ".")
	tcp, udp := samePort(t)
	srv := socketio.NewServer(socketio.Options{Engine: engineio.Options{
		Transports:   []string{engineio.Polling, engineio.WebTransport},
		PingInterval: 300 * time.Millisecond,
	}})
	ns := srv.Of("/")
	socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, said socketio.Raw) (socketio.Raw, error) {
		return said, nil
	})
	socketio.On(ns, "leave", func(_ context.Context, s *socketio.Socket, _ socketio.Args) error {
		if err := s.Emit("last", "farewell"); err != nil {
			return err
		}
		s.Disconnect(true)
		return nil
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, webTransportPage) })
	mux.HandleFunc("GET /lib.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, modules+"/"+libraries["4.8"])
	})
	config, hash := shortCertificate(t)
	wt := webtransport.Server{Engine: srv.Engine(), TLS: config}
	hs := &http.Server{Handler: mux}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- wt.Serve(ctx, udp) }()
	go func() { ended <- hs.Serve(tcp) }()
	t.Cleanup(func() {
		srv.Close()
		cancel()
		hs.Close()
		for range 2 {
			if err := <-ended; err != nil && err != http.ErrServerClosed {
				t.Error(err)
			}
		}
		udp.Close()
	})
	return "http://" + tcp.Addr().String(), hash
}

// samePort listens on a port for TCP and for UDP.
func samePort(t *testing.T) (net.Listener, net.PacketConn) {
	for range 100 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if udp, err := net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			return tcp, udp
		}
		tcp.Close() // another program has the port for UDP
	}
	t.Fatal("no port is free for both TCP and UDP")
	return nil, nil
}

// shortCertificate makes a certificate that pages may name by its hash: "the validity
// period must not exceed two weeks", and the key be ECDSA.
// https://www.w3.org/TR/webtransport/#custom-certificate-requirements
func shortCertificate(t *testing.T) (config *tls.Config, hash string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(10 * 24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, b := range sha256.Sum256(der) {
		list = append(list, fmt.Sprint(b))
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, "[" + strings.Join(list, ",") + "]"
}
