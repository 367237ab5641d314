// Package natstest runs real NATS servers for tests.
package natstest

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/damso/damso/internal/servertest"
	"github.com/damso/damso/internal/testenv"
)

// A Server is a nats-server process.
type Server struct{ *servertest.Server }

// Start starts a server that ends with the test. config is the text of its
// configuration; "" is the default. Without nats-server the test is skipped or fails,
// as package testenv has it.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	path, file := program(t), filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Server{servertest.Start(t, servertest.Program{
		Path:   path,
		Args:   func(port int) []string { return []string{"-a", servertest.Host, "-p", strconv.Itoa(port), "-c", file} },
		Ready:  []string{"Server is ready"},
		Failed: []string{"[FTL]", "nats-server:"},
	})}
}

// program returns the path of nats-server: the one that `make deps` builds, or one that
// is installed.
func program(t testing.TB) string {
	_, file, _, _ := runtime.Caller(0)
	built := filepath.Join(filepath.Dir(file), "../../.cache/bin/nats-server")
	if _, err := os.Stat(built); err == nil {
		return built
	}
	return testenv.Need(t, "nats-server")
}

// URL returns where the server is. It does not change.
func (s *Server) URL() string { return "nats://" + s.Addr() }
