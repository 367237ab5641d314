// Package browser looks at Damso with a real browser: the article's page, the
// built-in page, and the client libraries as pages load them.
package browser

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
