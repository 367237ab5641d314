package socketio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/damso/damso/socketio"
)

// TestNoCompress: a large event comes compressed, unless it was asked not to.
func TestNoCompress(t *testing.T) {
	srv := newServer(t, socketio.Options{})
	ns := srv.Of("/")
	all := joined(ns)
	at := httptest.NewServer(srv)
	defer at.Close()
	ask := func(method, query, body string) (answer, encoding string) {
		t.Helper()
		req, err := http.NewRequest(method, at.URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip") // or package http would hide it
		resp, err := at.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status, err)
		}
		return string(b), resp.Header.Get("Content-Encoding")
	}
	open, _ := ask(http.MethodGet, "", "")
	_, sid, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	ask(http.MethodPost, "&sid="+sid, "40")
	s := next(t, all)
	ask(http.MethodGet, "&sid="+sid, "") // the greeting
	large := strings.Repeat("large ", 1000)
	for _, test := range []struct {
		b    socketio.Broadcast
		want string
	}{
		{ns.To(), "gzip"},
		{ns.NoCompress(), ""},
		{ns.To().NoCompress(), ""},
		{ns.Local().To(s.ID()).NoCompress(), ""},
	} {
		if err := test.b.Emit("e", large); err != nil {
			t.Fatal(err)
		}
		if _, got := ask(http.MethodGet, "&sid="+sid, ""); got != test.want {
			t.Errorf("encoding %q, want %q", got, test.want)
		}
	}
}
