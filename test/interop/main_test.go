// Package interop runs the JavaScript clients against Damso; see README.md.
package interop

import (
	"testing"

	"github.com/damso/damso/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
