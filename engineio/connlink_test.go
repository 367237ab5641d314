package engineio

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
)

// A shard that closes a TLS connection does not wait for its client to read.
func TestConnLinkClose(t *testing.T) {
	hs := httptest.NewTLSServer(nil) // for its certificate
	config := hs.TLS.Clone()
	hs.Close()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		client := tls.Client(theirs, &tls.Config{InsecureSkipVerify: true})
		server := tls.Server(ours, config)
		go func() { _ = client.Handshake() }()
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		watch := startWatch(t)
		(&connLink{conn: server}).close()
		watch.want(0, "close")
		_ = theirs.Close()
	})
}
