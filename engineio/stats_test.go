package engineio

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkStats says whether a server without sessions has lost count of them. Each test's
// site asks it at the end.
func checkStats(t testing.TB, st Stats) {
	t.Helper()
	var opened, closed uint64
	for k, n := range st.Open {
		if n != 0 {
			t.Errorf("%d sessions of %+v are left, by the count", n, k)
		}
		opened += st.Opened[k]
	}
	for _, n := range st.Closed {
		closed += n
	}
	if opened != closed {
		t.Errorf("%d sessions were opened and %d ended, by the count", opened, closed)
	}
}

// nonZero is st without what is zero, so that a test names what it expects.
func nonZero[K comparable, V int | uint64](m map[K]V) map[K]V {
	for k, v := range m {
		if v == 0 {
			delete(m, k)
		}
	}
	return m
}

// TestStatsSessions counts those that come, upgrade and end.
func TestStatsSessions(t *testing.T) {
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		if st := s.srv.Stats(); len(st.Open) != 5 || len(st.Upgraded) != 3 || len(st.Closed) != 5 || len(st.Refused) != 9 {
			t.Errorf("a new server has not all figures: %+v", st)
		}
		s.poll("EIO=3")
		left := s.websocket("EIO=3")
		up := s.poll("EIO=4")
		up.probed().packet("5")
		eventually(t, "upgrade", func() bool { return up.session.Transport() == WebSocket })
		left.packet("1")
		left.wantClosed(t, TransportClose)

		st := s.srv.Stats()
		for _, d := range []string{
			cmp.Diff(map[Kind]int{{3, Polling}: 1, {4, WebSocket}: 1}, nonZero(st.Open)),
			cmp.Diff(map[Kind]uint64{{3, Polling}: 1, {3, WebSocket}: 1, {4, Polling}: 1}, nonZero(st.Opened)),
			cmp.Diff(map[Kind]uint64{{4, WebSocket}: 1}, nonZero(st.Upgraded)),
			cmp.Diff(map[Reason]uint64{TransportClose: 1}, nonZero(st.Closed)),
		} {
			if d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
	})
}

// TestStatsTraffic counts messages and bytes, over each transport.
func TestStatsTraffic(t *testing.T) {
	traffic := func(st Stats) [4]uint64 {
		return [4]uint64{st.MessagesReceived, st.BytesReceived, st.MessagesSent, st.BytesSent}
	}
	bothLinks(t, Options{}, func(t *testing.T, s *site) {
		w := s.websocket("EIO=4")
		eventually(t, "count of the open packet", func() bool { return s.srv.Stats().BytesSent > 0 })
		before := traffic(s.srv.Stats())
		w.packet("4hello")
		w.wantMessage(t, "hello")
		w.session.Send(NewMessage(append(make([]byte, Headroom), "hi"...), [][]byte{{1, 2, 3}}))
		w.read()
		w.next()
		want := [4]uint64{1, 2 + 4 + 6, 2, 2 + 3 + 2 + 3}                                             // header, mask, "4hello"; header, "4hi"; header, 3 bytes
		eventually(t, "count", func() bool { return traffic(s.srv.Stats())[3] == before[3]+want[3] }) // after the write
		if got := traffic(s.srv.Stats()); got[0] != 1 || got[1] != before[1]+want[1] || got[2] != 2 {
			t.Errorf("over WebSocket: %v before, %v after, want %v more", before, got, want)
		}
	})
	s := serve(t, Options{})
	c := s.poll("EIO=4")
	before := traffic(s.srv.Stats())
	c.want(c.post("4a\x1e4bc"), 200, "ok")
	c.session.Send(text("def"))
	c.want(c.get(), 200, "4def")
	if got := traffic(s.srv.Stats()); got != [4]uint64{2, 6, 1, before[3] + 4} {
		t.Errorf("over polling: %v before, %v after", before, got)
	}
}

// TestStatsRefused counts refusals by their reason.
func TestStatsRefused(t *testing.T) {
	s := serve(t, Options{
		NoEIO3:    true,
		Admission: &Admission{PerSecond: 1e-3, Burst: 1},
		AllowRequest: func(r *http.Request) error {
			if strings.Contains(r.URL.RawQuery, "stranger") {
				return errors.New("stranger")
			}
			return nil
		},
	})
	s.poll("EIO=4")
	for method, queries := range map[string][]string{
		"GET": {
			"EIO=4&transport=pigeon", "EIO=4&transport=polling&sid=no", "EIO=4&transport=websocket",
			"EIO=4&transport=polling&stranger", "EIO=3&transport=polling", "EIO=4&transport=polling", // the last is one too many
		},
		"POST": {"EIO=4&transport=polling"},
	} {
		for _, q := range queries {
			if r := s.request(method, q, "", nil); r.status < 400 {
				t.Errorf("%s %s: %d", method, q, r.status)
			}
		}
	}
	s.srv.reject(httptest.NewRecorder(), &http.Request{}, &ConnectionError{Code: 99}) // of a node that is newer
	if err := s.srv.Drain(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	s.request("GET", "EIO=4&transport=polling", "", nil)
	st := s.srv.Stats()
	if d := cmp.Diff(map[Refusal]uint64{
		RefusedTransport: 1, RefusedSession: 1, RefusedRequest: 2, RefusedForbidden: 1, RefusedProtocol: 1, RefusedTooMany: 1,
		RefusedMethod: 1, RefusedClosing: 1,
	}, nonZero(st.Refused)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if st.SentAway != 1 || !st.Closing {
		t.Errorf("drained: %+v", st)
	}
}
