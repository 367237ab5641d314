package socketio_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that each row of docs/compatibility.md names tests that there are:
// those of this package, or of the folder that is named before them.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?:`([a-z/]+)` )?`((?:Test|Example)\\w*)`")
	found := 0
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), " | ")
		for _, m := range named.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			folder := "socketio"
			if m[1] != "" {
				folder = m[1]
			}
			if !hasTest(t, filepath.Join("..", folder), m[2]) {
				t.Errorf("%s has no %s", folder, m[2])
			}
			found++
		}
	}
	if found < 30 {
		t.Errorf("only %d tests are named: has the page another form?", found)
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
