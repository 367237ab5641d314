package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// freePort is a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// TestMetrics scrapes a node with two clients, which has neither metrics where its clients
// are, nor clients where its metrics are.
func TestMetrics(t *testing.T) {
	port := freePort(t)
	p := start(t, "serve", "NODE_PORT=0", "METRICS_PORT="+port)
	addr := p.addrs(1)[0]
	join(t, addr)
	join(t, addr)
	metrics := net.JoinHostPort("127.0.0.1", port)
	resp, body := fetch(t, metrics, "/metrics")
	for _, series := range []string{
		"damso_ready 1", `damso_connections{protocol="4",transport="websocket"} 2`, `damso_sockets{nsp="/chat"} 2`,
	} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "\n"+series+"\n") {
			t.Errorf("%s, without %s:\n%s", resp.Status, series, body)
		}
	}
	for _, path := range []string{"/", "/readyz", "/socket.io/?EIO=4&transport=polling"} {
		if resp, _ := fetch(t, metrics, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s on METRICS_PORT: %s", path, resp.Status)
		}
	}
	if _, body := fetch(t, addr, "/metrics"); strings.Contains(body, "damso_ready") {
		t.Error("metrics are where the clients are")
	}
	p.says(p.out, `metrics +http://localhost:`+port+`/metrics\n`)
}

// TestMetricsPortTaken: a node whose metrics nobody could see does not start.
func TestMetricsPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	p := start(t, "serve", "NODE_PORT=0", "METRICS_PORT="+port)
	if p.wait() != 1 || !strings.Contains(p.err.String(), "port "+port+" is taken") {
		t.Errorf("%s%s", p.out, p.err)
	}
}
