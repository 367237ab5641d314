// Package browser looks at Damso with a real browser: the article's page, the
// built-in page, and the client libraries as pages load them.
package browser

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if path, _ := binary(); path != "" {
			os.RemoveAll(filepath.Dir(path))
		}
		os.Exit(code)
	}))
}
