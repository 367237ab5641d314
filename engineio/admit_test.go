package engineio_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/damso/damso/engineio"
)

// silent takes sessions and does nothing.
type silent struct{}

func (silent) Open(*engineio.Session) engineio.Receiver { return silent{} }
func (silent) Receive([]byte, bool)                     {}
func (silent) Closed(engineio.Reason, error)            {}

// TestAdmit holds what was counted for a session to be given back once, however the
// session ends or does not come about.
func TestAdmit(t *testing.T) {
	const full = "no room"
	seats := make(chan struct{}, 1) // what is in it is taken
	srv := engineio.NewServer(silent{}, engineio.Options{
		Admit: func(*http.Request) (func(), error) {
			select {
			case seats <- struct{}{}:
				return func() {
					select {
					case <-seats:
					default:
						t.Error("given back twice")
					}
				}, nil
			default:
				return nil, errors.New(full)
			}
		},
	})
	defer srv.Close()
	web := httptest.NewServer(srv)
	defer web.Close()

	ask := func(method, query, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, web.URL+"/engine.io/?EIO=4&transport="+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	open := func() (sid string) {
		t.Helper()
		status, body := ask("GET", "polling", "")
		_, rest, ok := strings.Cut(body, `"sid":"`)
		if status != http.StatusOK || !ok {
			t.Fatalf("open: %d %s", status, body)
		}
		sid, _, _ = strings.Cut(rest, `"`)
		return sid
	}
	// free waits until all is given back.
	free := func() { seats <- struct{}{}; <-seats }

	sid := open()
	if status, body := ask("GET", "polling", ""); status != http.StatusForbidden || body != `{"code":4,"message":"no room"}` {
		t.Errorf("second session: %d %s", status, body)
	}
	ask("POST", "polling&sid="+sid, "1") // the client leaves
	free()

	if status, body := ask("GET", "websocket", "", "Connection", "Upgrade", "Upgrade", "websocket"); status < 400 {
		t.Errorf("handshake without a key: %d %s", status, body)
	}
	free()

	if status, _ := ask("GET", "nothing", ""); status != http.StatusBadRequest {
		t.Errorf("unknown transport: %d", status)
	}
	free()

	open()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	free()
	if status, _ := ask("GET", "polling", ""); status != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", status)
	}
	free()
}
