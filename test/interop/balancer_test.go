package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/damso/damso/engineio"
)

// TestSharedConnection lets sessions share connections, as a load balancer with
// keep-alive does: the end of one session must not harm the next one that comes
// over its connection.
func TestSharedConnection(t *testing.T) {
	at := listen(t, engineio.Options{}, newDepartures()) + "/socket.io/?EIO=4&transport=polling"
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	other := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 50 {
		session := at + "&sid=" + handshake(t, client, at)
		join(t, client, session)
		if got := get(t, client, session); !strings.HasPrefix(got, "40{") {
			t.Fatalf("joining got %q", got)
		}
		post(t, client, session, "41\x1e1") // leaves, and closes

		// A GET of somebody else, who waits on the same connection.
		session = at + "&sid=" + handshake(t, client, at)
		answer := make(chan string, 1)
		go func() { answer <- get(t, client, session) }()
		join(t, other, session)
		if got := <-answer; !strings.HasPrefix(got, "40{") {
			t.Fatalf("the waiting GET got %q", got)
		}
	}
}

func join(t *testing.T, client *http.Client, session string) {
	if got := post(t, client, session, "40"); got != "ok" {
		t.Fatalf("the POST that joins got %q", got)
	}
}

func handshake(t *testing.T, client *http.Client, at string) string {
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(get(t, client, at)[1:]), &open); err != nil {
		t.Fatal(err)
	}
	return open.SID
}

func get(t *testing.T, client *http.Client, url string) string {
	return body(t)(client.Get(url))
}

func post(t *testing.T, client *http.Client, url, packets string) string {
	return body(t)(client.Post(url, "text/plain;charset=UTF-8", strings.NewReader(packets)))
}

func body(t *testing.T) func(*http.Response, error) string {
	return func(res *http.Response, err error) string {
		if err != nil {
			t.Error(err)
			return "-"
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}
