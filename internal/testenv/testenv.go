// Package testenv says what a test does when a tool that it needs is missing: alone
// on a laptop it is skipped with a reason, under `make test` it fails.
package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Require is the environment variable that, set to 1, makes a missing tool a failure.
const Require = "DAMSO_TEST_REQUIRE"

// Need returns the path of the first of the programs that is installed. If there is
// none, the test is skipped, or fails if [Require] is set.
func Need(t testing.TB, program string, alternatives ...string) string {
	t.Helper()
	for _, name := range append([]string{program}, alternatives...) {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, program+" is not installed; `make deps` installs it")
	return ""
}

// NeedNodeModules returns the path of dir/node_modules. If it is not there, the test
// is skipped, or fails if [Require] is set.
func NeedNodeModules(t testing.TB, dir string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(dir, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		Missing(t, path+" is missing; `make deps` installs it")
	}
	return path
}

// Missing skips the test with a reason, or fails it if [Require] is set.
func Missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv(Require) == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
