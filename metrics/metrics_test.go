package metrics_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/metrics"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// patience is how long a test waits for what must happen before it gives up.
const patience = 20 * time.Second

// newServer returns a server that ends with the test.
func newServer(t *testing.T, a adapter.Adapter) *socketio.Server {
	srv := socketio.NewServer(socketio.Options{Adapter: a, Recovery: &socketio.Recovery{}, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return srv
}

// scrape asks for the metrics of srv over HTTP, as Prometheus does.
func scrape(t *testing.T, srv *socketio.Server) string {
	t.Helper()
	hs := httptest.NewServer(metrics.Handler(srv))
	defer hs.Close()
	resp, err := hs.Client().Get(hs.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	return string(body)
}

// value returns that of a series.
func value(t *testing.T, text, series string) string {
	t.Helper()
	_, rest, ok := strings.Cut("\n"+text, "\n"+series+" ")
	if !ok {
		t.Fatalf("no %s in\n%s", series, text)
	}
	v, _, _ := strings.Cut(rest, "\n")
	return v
}

// eventually waits for something that nobody tells of.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never", what)
		}
	}
}

// TestScrape scrapes one of two nodes on a real Redis, with clients of both protocols on it,
// some of which have come to the other.
func TestScrape(t *testing.T) {
	server := redistest.Start(t)
	var nodes []*socketio.Server
	var addrs []*siotest.Server
	for i := range 2 {
		nodes = append(nodes, newServer(t, redis.New(rueidis.ClientOption{InitAddress: []string{server.Addr()}},
			redis.Options{Name: fmt.Sprint("node-", i), Logger: slog.New(slog.DiscardHandler)})))
		nodes[i].Of("/chat")
		nodes[i].OfPattern(regexp.MustCompile("^/room-[0-9]+$"))
	}
	for _, srv := range nodes {
		addrs = append(addrs, siotest.Listen(t, srv))
		eventually(t, "two nodes that are ready", func() bool { return srv.Ready() == nil && srv.Stats().Cluster.Nodes == 2 })
	}
	for _, o := range []siotest.Options{{}, {Protocol: 3}, {Polling: true}, {Upgrade: true}} {
		c := addrs[0].Open(o)
		if o.Upgrade {
			if err := c.Upgraded(); err != nil {
				t.Fatal(err)
			}
		}
		c.Join("/chat", "")
		if o.Protocol == 0 {
			c.Join("/room-1", "")
		}
	}
	polling := addrs[0].Open(siotest.Options{Polling: true})
	status, body, err := addrs[1].Get("/socket.io/?EIO=4&transport=polling&sid=" + polling.SID)
	if err != nil || status != http.StatusBadRequest { // there is a poll at the other node already: this one ends it
		t.Fatalf("%d %s %v", status, body, err)
	}
	if status, _, _ := addrs[0].Get("/socket.io/?EIO=4&transport=pigeon"); status != http.StatusBadRequest {
		t.Fatal(status)
	}

	eventually(t, "the end of that session", func() bool { return nodes[0].Connections() == 4 })
	text := scrape(t, nodes[0])
	for series, want := range map[string]string{
		`damso_ready`:    "1",
		`damso_draining`: "0",
		`damso_connections{protocol="3",transport="websocket"}`:                 "1",
		`damso_connections{protocol="4",transport="polling"}`:                   "1",
		`damso_connections{protocol="4",transport="websocket"}`:                 "2",
		`damso_connections_opened_total{protocol="4",transport="polling"}`:      "3",
		`damso_connections_upgraded_total{protocol="4",transport="websocket"}`:  "1",
		`damso_connections_closed_total{reason="transport error"}`:              "1",
		`damso_requests_refused_total{reason="transport unknown"}`:              "1",
		`damso_sockets{nsp="/chat"}`:                                            "4",
		`damso_sockets{nsp="^/room-[0-9]+$"}`:                                   "3",
		`damso_sockets_connected_total{nsp="^/room-[0-9]+$",recovered="false"}`: "3",
		`damso_sockets_connected_total{nsp="/chat",recovered="true"}`:           "0",
		`damso_cluster_nodes`:                             "2",
		`damso_cluster_requests_served_total`:             "1",
		`damso_slow_clients_closed_total`:                 "0",
		`damso_connections_sent_away_total`:               "0",
		`damso_cluster_requests_failed_total`:             "0",
		`damso_cluster_relays{session="here"}`:            "0",
		`damso_messages_dropped_total{policy="volatile"}`: "0",
	} {
		if got := value(t, text, series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
	for _, series := range []string{
		"damso_messages_received_total", "damso_messages_sent_total", "damso_received_bytes_total", "damso_sent_bytes_total",
		"damso_adapter_connects_total", "go_goroutines", "process_open_fds",
	} {
		if value(t, text, series) == "0" {
			t.Errorf("%s is 0", series)
		}
	}
	names(t, text)
	documented(t, text)
}

// names compares the names, texts, types and labels with those that dashboards and
// alerts count on. A change of testdata/metrics.txt is one that users have to know of.
func names(t *testing.T, text string) {
	t.Helper()
	const file = "testdata/metrics.txt"
	var got strings.Builder
	for line := range strings.Lines(text) {
		switch f := strings.Fields(line); {
		case strings.HasPrefix(line, "# ") && strings.HasPrefix(f[2], "damso_"):
			got.WriteString(line)
		case strings.HasPrefix(line, "damso_"):
			got.WriteString(line[:strings.LastIndex(line, " ")] + "\n")
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// documented holds docs/metrics.md to the metrics that there are.
func documented(t *testing.T, text string) {
	t.Helper()
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	inPage, there := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(damso_[a-z_]+)").FindAllSubmatch(page, -1) {
		inPage[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (damso_[a-z_]+)`).FindAllStringSubmatch(text, -1) {
		there[m[1]] = true
	}
	if d := cmp.Diff(there, inPage); d != "" {
		t.Errorf("docs/metrics.md (-there +in the page):\n%s", d)
	}
}

// TestLint holds names and texts to the habits of Prometheus.
func TestLint(t *testing.T) {
	registry := prometheus.NewPedanticRegistry() // sees to it that what is collected was described
	registry.MustRegister(metrics.Collector(newServer(t, nil)))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if len(families) < 15 {
		t.Errorf("%d metrics", len(families))
	}
}

// TestManyNamespaces: whatever a program makes of what clients send, there are so many
// labels and no more, and those that have been there stay.
func TestManyNamespaces(t *testing.T) {
	srv := newServer(t, nil)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.Collector(srv))
	first := ""
	for round := range 2 {
		for i := range 300 {
			srv.Of(fmt.Sprintf("/%d/%d", round, i))
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var labels []string
		for _, f := range families {
			if f.GetName() == "damso_sockets" {
				for _, m := range f.GetMetric() {
					labels = append(labels, m.GetLabel()[0].GetValue())
				}
			}
		}
		all := strings.Join(labels, " ")
		if len(labels) != 101 || labels[0] != "(other)" || round > 0 && all != first {
			t.Errorf("round %d, %d labels: %s", round, len(labels), all)
		}
		first = all
	}
}

// TestAfterTheEnd: a server that has ended still answers, as the scrapes go on until the
// process does.
func TestAfterTheEnd(t *testing.T) {
	srv := newServer(t, nil)
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, srv)
	if value(t, text, "damso_ready") != "0" || value(t, text, "damso_draining") != "1" {
		t.Error(text)
	}
}
