package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxAddresses is how many addresses of a name are tried.
const maxAddresses = 4

func (e *exam) checkDNS(ctx context.Context) string {
	if _, err := netip.ParseAddr(e.target.hostname); err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.target.hostname)
	var failure *net.DNSError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure) && failure.IsNotFound:
		e.find("dns", "dns-not-found", e.target.hostname)
	default:
		e.find("dns", "dns-failed", e.target.hostname, brief(err.Error()))
	}
	e.stop()
	return ""
}

func (e *exam) checkTCP(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.target.hostname)
	if err != nil { // was there a moment ago
		e.find("dns", "dns-failed", e.target.hostname, brief(err.Error()))
		e.stop()
		return ""
	}
	addrs = addrs[:min(len(addrs), maxAddresses)]
	took := make([]time.Duration, len(addrs))
	errs := make([]error, len(addrs))
	each(len(addrs), func(i int) {
		took[i], errs[i] = dial(ctx, net.JoinHostPort(addrs[i].Unmap().String(), e.target.port))
	})
	e.judgeTCP(addrs, took, errs)
	return ""
}

func dial(ctx context.Context, addr string) (time.Duration, error) {
	start := time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	return time.Since(start), conn.Close()
}

// judgeTCP has a finding if no address answers; if some don't, clients that try
// those first wait. That one of localhost's two does not answer is usual.
func (e *exam) judgeTCP(addrs []netip.Addr, took []time.Duration, errs []error) {
	var good []time.Duration
	for i, err := range errs {
		if err == nil {
			good = append(good, took[i])
		}
	}
	e.report.Latency.Connect = millis(median(good))
	for i, err := range errs {
		refused := errors.Is(err, syscall.ECONNREFUSED)
		switch {
		case err == nil:
		case len(good) == 0 && refused:
			e.find("tcp-refused", "tcp-refused", addrs[i].Unmap().String(), e.target.port)
		case len(good) == 0:
			e.find("tcp-timeout", "tcp-timeout", addrs[i].Unmap().String(), e.target.port, brief(err.Error()))
		case !addrs[i].IsLoopback() && (refused || errors.Is(err, os.ErrDeadlineExceeded)):
			e.find("tcp-partly", "tcp-partly", addrs[i].Unmap().String(), e.target.port)
		}
	}
	if len(good) == 0 {
		e.stop()
	}
}

// expirySoon is how long before its end a certificate is worth a warning.
const expirySoon = 14 * 24 * time.Hour

func (e *exam) checkTLS(ctx context.Context) string {
	if e.target.scheme != "https" {
		return notApplicable
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.target.addr())
	if err != nil {
		e.find("tcp-timeout", "tcp-timeout", e.target.hostname, e.target.port, brief(err.Error()))
		e.stop()
		return ""
	}
	defer conn.Close()
	start := time.Now()
	secure := tls.Client(conn, e.target.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		e.tlsFailed(err)
		e.stop()
		return ""
	}
	e.report.Latency.TLS = millis(time.Since(start))
	state := secure.ConnectionState()
	if state.Version < tls.VersionTLS12 {
		e.find("tls-old", "tls-version", tls.VersionName(state.Version))
	}
	e.judgeCertificate(state.PeerCertificates, time.Now())
	if e.distrusted() {
		e.stop()
		return "not-trusted"
	}
	return ""
}

// distrusted reports whether there are secrets to send, and nobody to trust with them.
func (e *exam) distrusted() bool {
	secrets := len(e.options.Auth) + len(e.options.Header) + len(e.target.query)
	return secrets > 0 && (e.found("tls-name") || e.found("tls-expired") || e.found("tls-untrusted"))
}

func (e *exam) tlsFailed(err error) {
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		e.find("tls-missing", "tls-missing", e.target.addr())
		return
	}
	e.find("tls-failed", "tls-failed", brief(err.Error()))
}

// judgeCertificate looks at name, time and chain one by one, so that one fault does
// not hide another.
func (e *exam) judgeCertificate(chain []*x509.Certificate, now time.Time) {
	leaf := chain[0]
	if leaf.VerifyHostname(e.target.hostname) != nil {
		e.find("tls-name", "tls-name", e.target.hostname, names(leaf))
	}
	const day = "2006-01-02"
	switch {
	case now.After(leaf.NotAfter):
		e.find("tls-expired", "tls-expired", leaf.NotAfter.Format(day))
	case now.Before(leaf.NotBefore):
		e.find("tls-expired", "tls-early", leaf.NotBefore.Format(day))
	case now.Add(expirySoon).After(leaf.NotAfter) && leaf.NotAfter.Sub(leaf.NotBefore) > 2*expirySoon:
		e.find("tls-expires-soon", "tls-expires-soon", leaf.NotAfter.Format(day))
	}
	if err := e.target.verify(chain, leaf.NotAfter.Add(-time.Second)); err != nil {
		line := "tls-untrusted"
		if leaf.Issuer.String() == leaf.Subject.String() {
			line = "tls-self-signed"
		}
		e.find("tls-untrusted", line, brief(leaf.Issuer.String()))
	}
}

// verify looks whether an authority that is trusted stands behind a chain, at a time
// when it was valid.
func (t *target) verify(chain []*x509.Certificate, at time.Time) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: at})
	if err != nil && t.roots != nil {
		_, err = chain[0].Verify(x509.VerifyOptions{Intermediates: between, CurrentTime: at, Roots: t.roots})
	}
	return err
}

// names are those that a certificate is for.
func names(c *x509.Certificate) string {
	list := c.DNSNames
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		list = []string{c.Subject.CommonName}
	}
	return brief(strings.Join(list, ", "))
}
