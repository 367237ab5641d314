package interop

import (
	"testing"

	"github.com/damso/damso/engineio"
	"github.com/damso/damso/socketio"
)

// TestMessagePack runs the cases with clients and a server that speak MessagePack.
func TestMessagePack(t *testing.T) {
	gone := newDepartures()
	at := listenAll(engineio.Options{}, func(opts engineio.Options) string {
		return listenWith(t, socketio.Options{Parser: socketio.MessagePack, Engine: opts}, gone)
	})
	clients := []string{"3.1.3", "4.8"} // those that socket.io-msgpack-parser 3 is for
	known := []failure{{
		Clients: clients, Transports: transports,
		Cases: []string{"text/lone surrogates", "text/JSON values and key order"},
		Why:   "notepack.io, with which the clients write, does not read what it wrote: 1e21, half surrogate pairs",
	}}
	for _, client := range clients {
		for _, transport := range transports {
			t.Run(client+"/"+transport, func(t *testing.T) {
				t.Parallel()
				runCases(t, at, client, transport, hopeless(known, client, transport), "DAMSO_PARSER=socket.io-msgpack-parser")
			})
		}
	}
}
