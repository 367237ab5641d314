package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/damso/damso/internal/doctor"
)

// TestDoctor examines the chat of damso dev, two nodes, and its absence.
func TestDoctor(t *testing.T) {
	served := start(t, "dev", "NODE_PORT=0")
	addrs := served.addrs(2)
	for _, addr := range addrs {
		awaitReady(t, addr, 200)
	}
	examine := start(t, "doctor --json http://"+addrs[0]+"/chat")
	if status := examine.wait(); status != 0 {
		t.Errorf("exit status %d:\n%s%s", status, examine.out, examine.err)
	}
	var report doctor.Report
	if err := json.Unmarshal([]byte(examine.out.String()), &report); err != nil {
		t.Fatalf("%v:\n%s", err, examine.out)
	}
	if !report.Healthy || report.Version != 1 || len(report.Findings) != 0 || report.Findings == nil {
		t.Errorf("the report is\n%s", examine.out)
	}
	if examine.err.String() != "" {
		t.Errorf("stderr is %q", examine.err)
	}
	served.stop()
}

func TestDoctorLanguage(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	for _, test := range []struct{ flags, environ, want string }{
		{"", "LANG=ko_KR.UTF-8", "[오류] 그 포트에서 받는 프로그램이 없습니다 (tcp-refused)"},
		{"", "LANG=en_GB.UTF-8", "[ERROR] Nothing listens on that port (tcp-refused)"},
		{"", "LANG=fr_FR.UTF-8", "[ERROR] Nothing listens"},
		{"", "LC_ALL=ko_KR", "[오류]"},
		{"--lang=ko ", "LANG=en_US.UTF-8", "[오류]"},
		{"--lang=en ", "LANG=ko_KR.UTF-8", "[ERROR]"},
	} {
		p := start(t, "doctor "+test.flags+addr, test.environ)
		if status := p.wait(); status != 1 || !strings.Contains(p.out.String(), test.want) || p.err.String() != "" {
			t.Errorf("%s%s: exit status %d, want 1\n%s%s", test.flags, test.environ, status, p.out, p.err)
		}
	}
}

// TestDoctorCannot has commands that can't be meant.
func TestDoctorCannot(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{
		"":                                       "expected \"<url>\"",
		"ftp://a.example":                        "must begin with http://",
		"http://":                                "names no host",
		"http://a.example --eio=5":               "protocols 3 and 4",
		"http://a.example --auth=secret":         "must be a JSON object",
		"http://a.example --query=x":             "NAME=VALUE",
		"http://a.example --header=x":            "NAME:VALUE",
		"http://a.example --emit=x":              "needs one to expect",
		"http://a.example --lang=fr":             "--lang must be one of",
		"http://a.example --ca=/no/such":         "no such file",
		"http://a.example --ca=" + empty:         "has no certificate",
		"http://a.example --emit=[1] --expect=x": "must begin with its name",
	} {
		p := start(t, "doctor "+flags)
		if status := p.wait(); status != 2 || !strings.Contains(p.err.String(), want) || strings.Contains(p.err.String(), "secret") {
			t.Errorf("%s: exit status %d, %s", flags, status, p.err)
		}
	}
}
