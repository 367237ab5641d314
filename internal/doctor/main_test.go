package doctor

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// The examinations wait more than they work: many of them run side by side.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
