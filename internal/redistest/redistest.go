// Package redistest runs real Redis servers for tests.
package redistest

import (
	"crypto/tls"
	"strconv"
	"testing"

	"github.com/damso/damso/internal/servertest"
	"github.com/damso/damso/internal/testenv"
)

// patience is how long a server may take to start or to stop, and sentinels to agree:
// when none of them has won a vote, they wait for seconds.
const patience = servertest.Patience

// A Server is a redis-server process, without persistence. Its methods end the test when
// they fail; they are for the test's goroutine alone.
type Server struct {
	*servertest.Server
	t    testing.TB
	dir  string
	conf string                 // the file of settings, "" if there is none
	args []string               // beside those that every server gets
	pick func(t testing.TB) int // of a port; nil is any
	tls  *tls.Config            // of clients, nil without TLS
}

// Start starts a server that ends with the test. args are settings as on its command
// line: "--maxmemory", "10mb". Without redis-server or valkey-server the test is skipped
// or fails, as package testenv has it.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return launch(t, func(s *Server) { s.args = args })
}

// launch starts a server as prepare wants it.
func launch(t testing.TB, prepare func(s *Server)) *Server {
	t.Helper()
	path := testenv.Need(t, "redis-server", "valkey-server")
	s := &Server{t: t, dir: t.TempDir()}
	prepare(s)
	s.Server = servertest.Start(t, servertest.Program{
		Path:   path,
		Args:   s.arguments,
		Port:   s.pick,
		Ready:  []string{"Ready to accept connections", "Sentinel ID is"},
		Failed: []string{"Address already in use", "Failed listening"},
	})
	return s
}

// arguments are those of the server's command line.
func (s *Server) arguments(port int) (args []string) {
	if s.conf != "" {
		args = append(args, s.conf)
	}
	args = append(args, "--bind", servertest.Host, "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	if s.tls == nil {
		args = append(args, "--port", strconv.Itoa(port))
	} else {
		args = append(args, "--port", "0", "--tls-port", strconv.Itoa(port))
	}
	return append(args, s.args...)
}
