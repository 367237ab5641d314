package lastcall

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/damso/damso/socketio"
)

// A house is a server with a handler beside Socket.IO's, and somebody with whom to talk.
type house struct {
	t      *testing.T
	io     *socketio.Server
	server *Server
	url    string
	served chan error
}

func open(t *testing.T) *house {
	l := listen(t)
	h := &house{t: t, io: socketio.NewServer(socketio.Options{}), url: "http://" + l.Addr().String(), served: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", h.io)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	h.server = NewServer(h.io, &http.Server{Handler: mux}, l)
	go func() { h.served <- h.server.Serve() }()
	return h
}

// patient is Patience in tests, where nobody is to be dropped.
var patient = Patience{PerSecond: 1000, Drain: time.Minute, Clients: time.Minute, Requests: time.Minute}

// stop stops the server, and returns what is closed when that is over.
func (h *house) stop(p Patience) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := h.server.Stop(p); err != nil {
			h.t.Errorf("Stop: %v", err)
		}
		<-h.served
	}()
	for h.io.Ready() == nil {
		time.Sleep(time.Millisecond)
	}
	return over
}

// get returns the answer to a request of a client of Socket.IO.
func (h *house) get(client *http.Client, query string) (string, *http.Response) {
	h.t.Helper()
	resp, err := client.Get(h.url + "/socket.io/?EIO=4&transport=polling" + query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body), resp
}

// join opens a session and returns its id.
func (h *house) join(client *http.Client) string {
	h.t.Helper()
	body, _ := h.get(client, "")
	_, rest, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	return sid
}

// keeping keeps connections alive, fresh does not.
func keeping(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

var fresh = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// TestStop: a client learns that its session ends, though it does not poll at the moment,
// and until it knows, requests are served, over connections that end with the answer.
func TestStop(t *testing.T) {
	h, client := open(t), keeping(t)
	sid := h.join(client)
	over := h.stop(patient)
	if body, resp := h.get(client, ""); resp.StatusCode != http.StatusServiceUnavailable || !resp.Close {
		t.Errorf("a newcomer: %s %q, close %v", resp.Status, body, resp.Close)
	}
	if body, resp := h.get(client, "&sid="+sid); body != "1" || !resp.Close {
		t.Errorf("the last poll: %q, close %v", body, resp.Close)
	}
	<-over
}

// TestStopRequests stops a server while requests come one after the other, each over a
// connection of its own: each is answered, until somebody is refused.
func TestStopRequests(t *testing.T) {
	h := open(t)
	var wg sync.WaitGroup
	var answered atomic.Int64
	for range 16 {
		wg.Go(func() {
			for h.asks() {
				answered.Add(1)
			}
		})
	}
	for answered.Load() < 300 {
		time.Sleep(time.Millisecond)
	}
	<-h.stop(patient)
	wg.Wait()
}

// asks reports whether a request was answered, and not refused.
func (h *house) asks() bool {
	resp, err := fresh.Post(h.url, "text/plain", strings.NewReader("echo"))
	if err != nil {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			h.t.Errorf("turned away: %v", err)
		}
		return false
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "echo" {
		h.t.Errorf("answered %q, %v", body, err)
	}
	return true
}

// TestStopImpatient: who says nothing any more is not waited for without end.
func TestStopImpatient(t *testing.T) {
	h := open(t)
	h.join(keeping(t))
	<-h.stop(Patience{PerSecond: 1, Drain: time.Millisecond, Clients: time.Millisecond, Requests: time.Minute})
	if n := h.io.Connections(); n != 0 {
		t.Errorf("%d clients are left", n)
	}
}

// TestStopUnserved stops a server that was never served.
func TestStopUnserved(t *testing.T) {
	srv := socketio.NewServer(socketio.Options{})
	s := NewServer(srv, &http.Server{Handler: srv}, listen(t))
	if err := s.Stop(patient); err != nil {
		t.Error(err)
	}
}
