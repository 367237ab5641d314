package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/damso/damso/internal/doctor"
)

type doctorCmd struct {
	URL       string        `arg:"" help:"What clients are given: https://example.com/chat, whose path is the namespace."`
	Path      string        `help:"Socket.IO's path." placeholder:"/socket.io/"`
	Namespace string        `help:"The namespace, instead of the path of the URL."`
	EIO       int           `name:"eio" default:"4" help:"The protocol that your clients speak: 4 for clients 3 and 4, 3 for clients 1 and 2."`
	Auth      string        `placeholder:"JSON" help:"What clients send when they join: {\"token\":\"…\"}."`
	Query     []string      `sep:"none" placeholder:"NAME=VALUE" help:"Goes with every request; may be repeated."`
	Header    []string      `sep:"none" placeholder:"NAME:VALUE" help:"Goes with every request; may be repeated."`
	Origin    string        `placeholder:"https://SITE" help:"The site of the page that connects: checks CORS."`
	Emit      string        `placeholder:"EVENT" help:"An event, or a JSON array with %token% in it, that makes the server send --expect to all."`
	Expect    string        `placeholder:"EVENT" help:"What all clients then get: checks that messages reach every server."`
	CA        string        `name:"ca" placeholder:"FILE" help:"Certificates (PEM) of authorities to trust."`
	Slow      bool          `help:"Wait for real until proxies may cut quiet connections: some minutes."`
	Timeout   time.Duration `help:"How long all of it may take: 18s, with --slow 3m."`
	Lang      string        `enum:"ko,en," default:"" help:"ko or en; else as LANG says."`
	JSON      bool          `name:"json" help:"Print the report as JSON."`
}

// An exitStatus ends the command with that status, when all is said.
type exitStatus int

// Error implements error.
func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Run examines, and prints the report.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	o, err := c.options(a.environ)
	if err != nil {
		return a.cannot(err)
	}
	if !c.JSON && isTerminal(a.errOut) {
		o.Progress = func(check doctor.Check) {
			fmt.Fprintf(a.errOut, "  %-8s %s\n", check.Status, check.Text)
		}
	}
	report, err := doctor.Examine(ctx, o)
	if err != nil {
		return a.cannot(err)
	}
	if ctx.Err() != nil {
		return a.cannot(errors.New("doctor: interrupted"))
	}
	if c.JSON {
		encoder := json.NewEncoder(a.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.Fprint(a.out, o.Language)
	}
	if err == nil && !report.Healthy {
		return exitStatus(1)
	}
	return err
}

// cannot says why nothing could be examined.
func (a *app) cannot(err error) error {
	fmt.Fprintln(a.errOut, "damso:", err)
	return exitStatus(2)
}

func (c *doctorCmd) options(environ []string) (o doctor.Options, err error) {
	o = doctor.Options{
		URL: c.URL, Path: c.Path, Namespace: c.Namespace, Protocol: c.EIO, Auth: json.RawMessage(strings.TrimSpace(c.Auth)),
		Query: url.Values{}, Header: http.Header{}, Origin: c.Origin, Emit: c.Emit, Expect: c.Expect,
		Slow: c.Slow, Timeout: c.Timeout, Language: languageOf(c.Lang, environ),
	}
	for _, pair := range c.Query {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return o, fmt.Errorf("doctor: --query=%s must be NAME=VALUE", pair)
		}
		o.Query.Add(name, value)
	}
	for _, pair := range c.Header {
		name, value, ok := strings.Cut(pair, ":")
		if !ok {
			return o, errors.New("doctor: --header must be NAME:VALUE")
		}
		o.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.CA != "" {
		o.Roots, err = readRoots(c.CA)
	}
	return o, err
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("doctor: --ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("doctor: --ca: %s has no certificate in PEM", path)
	}
	return pool, nil
}

// languageOf is the one asked for, or that of the environment, as POSIX has it.
func languageOf(asked string, environ []string) string {
	if asked != "" {
		return asked
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		for _, pair := range environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
				return strings.ToLower(value[:min(2, len(value))])
			}
		}
	}
	return ""
}

// isTerminal reports whether w is where somebody watches.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
