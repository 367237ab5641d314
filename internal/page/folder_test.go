package page

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "assets", "3000")
	write(t, filepath.Join(base, "secret.txt"), "secret")
	write(t, filepath.Join(dir, "index.html"), "<title>mine</title>")
	write(t, filepath.Join(dir, "main.js"), "let x")
	write(t, filepath.Join(dir, ".env"), "PASSWORD=x")
	write(t, filepath.Join(dir, ".git", "config"), "x")
	write(t, filepath.Join(dir, "img", "a.svg"), "<svg/>")
	write(t, filepath.Join(dir, "sub", "index.html"), "<title>sub</title>")
	if err := os.Symlink(filepath.Join(base, "secret.txt"), filepath.Join(dir, "out.txt")); err != nil {
		t.Fatal(err)
	}

	h, err := Handler(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", 200, "<title>mine</title>"},
		{"GET", "/main.js", 200, "let x"},
		{"GET", "/sub/", 200, "<title>sub</title>"},
		{"GET", "/img/a.svg", 200, "<svg/>"},
		{"HEAD", "/main.js", 200, ""},
		{"GET", "/img/", 404, ""},
		{"GET", "/img", 404, ""},
		{"GET", "/.env", 404, ""},
		{"GET", "/.git/config", 404, ""},
		{"GET", "/img/../.env", 404, ""},
		{"GET", "/../../secret.txt", 404, ""},
		{"GET", "/..%2f..%2fsecret.txt", 404, ""},
		{"GET", "/missing.js", 404, ""},
		{"POST", "/", 405, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			resp := request(t, h, tt.method, tt.path)
			if resp.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if body := text(t, resp); tt.status == 200 && body != tt.body {
				t.Errorf("body = %q, want %q", body, tt.body)
			}
			if csp := resp.Header.Get("Content-Security-Policy"); csp != "" {
				t.Errorf("Content-Security-Policy %q on the user's own page", csp)
			}
		})
	}
	if resp := request(t, h, "GET", "/out.txt"); resp.StatusCode == http.StatusOK {
		t.Error("a link out of the folder is served")
	}
	if got := request(t, h, "GET", "/main.js").Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("Content-Type of main.js = %q", got)
	}
}

func TestFolderMissing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	for _, dir := range []string{file, file + "-missing"} {
		if _, err := Handler(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("Handler(%q): error = %v, want one that names the folder", dir, err)
		}
	}
}
