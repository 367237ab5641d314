package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// StartTLS starts a server that speaks TLS only, with a certificate for 127.0.0.1 and
// localhost of a certificate authority of its own, and ends with the test.
func StartTLS(t testing.TB, args ...string) *Server {
	t.Helper()
	return launch(t, func(s *Server) {
		cert, key, roots := certify(t, s.dir)
		s.tls = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		s.args = append([]string{
			"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", s.CAFile(), "--tls-auth-clients", "no",
		}, args...)
	})
}

// TLS returns what clients need to connect, nil if the server has no TLS.
func (s *Server) TLS() *tls.Config { return s.tls.Clone() }

// CAFile returns the name of the file with the certificate of the authority, in PEM.
func (s *Server) CAFile() string { return filepath.Join(s.dir, "ca.pem") }

// certify writes the certificates of an authority, ca.pem, and of a server.
func certify(t testing.TB, dir string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	var failed error
	must := func(err error) {
		if err != nil && failed == nil {
			failed = err
		}
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "redis"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	must(err)
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	must(err)
	ca := write("ca.pem", "CERTIFICATE", authorityDER)
	cert, key = write("server.pem", "CERTIFICATE", serverDER), write("server.key", "PRIVATE KEY", keyDER)
	text, err := os.ReadFile(ca)
	must(err)
	roots = x509.NewCertPool()
	if failed != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("redistest: certificates: %v", failed)
	}
	return cert, key, roots
}
