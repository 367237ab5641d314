package socketio_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that the rows of docs/compatibility.md and docs/security.md name
// tests that there are: those of this package, or of the folder that is named before
// them.
func TestDocs(t *testing.T) {
	checkDocs(t, "compatibility.md", 80)
	checkDocs(t, "security.md", 40)
}

// checkDocs checks a page that names at least so many tests.
func checkDocs(t *testing.T, name string, atLeast int) {
	page, err := os.ReadFile("../docs/" + name)
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
				t.Errorf("%s: %s has no %s", name, folder, m[2])
			}
			found++
		}
	}
	if found < atLeast {
		t.Errorf("%s: only %d tests are named: has the page another form?", name, found)
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
