package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/damso/damso/internal/testenv"
	"github.com/damso/damso/internal/testkit"
	"github.com/damso/damso/socketio"
)

// libraries are the client libraries as pages load them, beneath node_modules.
var libraries = map[string]string{
	"1.4.5": "client-1.4.5/socket.io.js",
	"1.7.4": "client-1.7.4/dist/socket.io.js",
	"2.5.0": "client-2.5.0/dist/socket.io.js",
	"3.1.3": "client-3.1.3/dist/socket.io.js",
	"4.8":   "client-4.8/dist/socket.io.js",
}

// TestClients runs the clients as browsers do, which differs from Node on polling:
// there is binary in the answers, and text is not always UTF-8 once.
func TestClients(t *testing.T) {
	at := clientsServer(t)
	browser := testkit.Chromium(t)
	for client := range libraries {
		transports := []string{"polling", "websocket", "upgrade"}
		if client < "4" { // which has no JSONP
			transports = append(transports, "jsonp")
		}
		for _, transport := range transports {
			t.Run(client+"/"+transport, func(t *testing.T) {
				page := browser.Open(t, at+"/?client="+client+"&transport="+transport)
				page.Until("verdict")
				if verdict := page.Text("verdict"); verdict != "ok" {
					t.Error(verdict)
				}
			})
		}
	}
}

// clientsServer serves clients.html, the libraries and what the page asks of
// Socket.IO.
func clientsServer(t *testing.T) string {
	modules := testenv.NeedNodeModules(t, ".")
	srv := socketio.NewServer(socketio.Options{})
	ns := srv.Of("/")
	socketio.OnAck(ns, "echo", func(_ context.Context, _ *socketio.Socket, said socketio.Raw) (socketio.Raw, error) {
		return said, nil
	})
	socketio.OnAck(ns, "spell", func(_ context.Context, _ *socketio.Socket, text string) ([]rune, error) {
		return []rune(text), nil
	})
	socketio.OnAck(ns, "greet", func(context.Context, *socketio.Socket, socketio.Args) (string, error) {
		return "안녕하세요, 담소예요 🍵", nil
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "clients.html") })
	for client, file := range libraries {
		mux.HandleFunc("GET /lib/"+client+".js", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, modules+"/"+file)
		})
	}
	at := httptest.NewServer(mux)
	t.Cleanup(func() {
		srv.Close()
		at.Close()
	})
	return at.URL
}
