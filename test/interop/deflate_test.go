package interop

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/damso/damso/engineio"
)

// TestDeflate runs the cases with permessage-deflate, which all clients offer under
// Node.
func TestDeflate(t *testing.T) {
	var offers, others atomic.Int32
	opts := engineio.Options{
		PerMessageDeflate: &engineio.Deflate{Threshold: 1},
		Transports:        []string{engineio.WebSocket},
		InitialHeaders: func(_ http.Header, r *http.Request) {
			if strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
				offers.Add(1)
			} else {
				others.Add(1)
			}
		},
	}
	gone := newDepartures()
	at := listenAll(opts, func(opts engineio.Options) string { return listen(t, opts, gone) })
	t.Run("clients", func(t *testing.T) {
		for _, client := range clients {
			t.Run(client, func(t *testing.T) {
				t.Parallel()
				runCases(t, at, client, "websocket", []string{})
			})
		}
	})
	if offers.Load() == 0 || others.Load() > 0 {
		t.Errorf("%d connections offer to compress, %d don't", offers.Load(), others.Load())
	}
}
