package main

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestAdmin gives orders to a node: to rebalance, which alone it need not, and to drain.
func TestAdmin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := "ADMIN_PORT=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
	p := start(t, "serve", "NODE_PORT=0", port)
	addr := p.addrs(1)[0]
	a, b := join(t, addr), join(t, addr)
	if o := start(t, "rebalance", port); o.wait() != 0 || !strings.HasPrefix(o.out.String(), "0 clients were sent to look for another node; 2 stay.") {
		t.Errorf("rebalance: %q %q", o.out, o.err)
	}
	if o := start(t, "drain", port); o.wait() != 0 || !strings.HasPrefix(o.out.String(), "2 clients were sent to other nodes") {
		t.Errorf("drain: %q %q", o.out, o.err)
	}
	a.Close()
	b.Close()
	awaitReady(t, addr, http.StatusServiceUnavailable)
	resp, _ := fetch(t, addr, "/socket.io/?EIO=4&transport=polling")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a new client: %d, %v", resp.StatusCode, resp.Header)
	}
	p.stop()
	if o := start(t, "drain", port); o.wait() != 1 || !strings.Contains(o.err.String(), "no node answers on ADMIN_PORT") {
		t.Errorf("drain without a node: %q %q", o.out, o.err)
	}
}
