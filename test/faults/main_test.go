// Package faults breaks real Redis servers, and the connections to them, under nodes of
// every mode, and looks that nothing is lost but what has to be, and that they are whole
// again soon.
package faults

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/redistest"
)

// A connection that ends while data waits in a toxic leaves goroutines of toxiproxy behind.
func TestMain(m *testing.M) {
	redistest.Main(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}
