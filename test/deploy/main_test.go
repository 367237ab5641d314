// Package deploy holds the configurations in deploy/ to what they promise: real load
// balancers, three real nodes, one Redis, and clients of every generation.
package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// damso is the program, which TestMain builds.
var damso string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "damso-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	damso = filepath.Join(dir, "damso")
	if out, err := exec.Command("go", "build", "-o", damso, "../../cmd/damso").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "deploy: build damso: %v\n%s", err, out)
		return 1
	}
	status := m.Run()
	if err := goleak.Find(); status == 0 && err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		return 1
	}
	return status
}
