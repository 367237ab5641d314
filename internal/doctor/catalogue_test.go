package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCatalogue holds that all texts are there in both languages, and take the same
// arguments: no one may read half of what was found.
func TestCatalogue(t *testing.T) {
	for id, d := range diseases {
		if d.severity != Error && d.severity != Warning {
			t.Errorf("%s has the severity %q", id, d.severity)
		}
		both(t, id, d.title)
		both(t, id, d.meaning)
		if len(d.advice) == 0 {
			t.Errorf("%s has no advice", id)
		}
		for _, a := range d.advice {
			both(t, id, a)
		}
	}
	for _, list := range []map[string]text{evidence, notes, checkNames} {
		for key, line := range list {
			both(t, key, line)
		}
	}
}

var (
	hangul = regexp.MustCompile(`\p{Hangul}`)
	verb   = regexp.MustCompile(`%(?:\[(\d)\])?(\.\d)?([a-z])`)
)

func both(t *testing.T, key string, line text) {
	t.Helper()
	code := strings.HasPrefix(line.en, "nginx: ") || line.en == "WebSocket"
	if line.en == "" || line.ko == "" || hangul.MatchString(line.en) || !hangul.MatchString(line.ko) && !code {
		t.Errorf("%s: %q, %q", key, line.en, line.ko)
	}
	if en, ko := arguments(line.en), arguments(line.ko); !slices.Equal(en, ko) {
		t.Errorf("%s takes %q in English, %q in Korean", key, en, ko)
	}
}

// arguments are the verbs of a format, in the order of what they stand for.
func arguments(format string) []string {
	at := map[int]string{}
	for i, m := range verb.FindAllStringSubmatch(format, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil {
			i = n - 1
		}
		at[i] = m[2] + m[3]
	}
	var list []string
	for _, i := range slices.Sorted(maps.Keys(at)) {
		list = append(list, at[i])
	}
	return list
}

// TestCatalogueIsUsed reads the package: what it names is in the catalogue with as
// many arguments as it takes, and the catalogue has nothing else.
func TestCatalogueIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, call := range calls(t, "find") {
		id, line := literal(call.Args[0]), literal(call.Args[1])
		used[id] = true
		if _, ok := diseases[id]; !ok {
			t.Errorf("no text for the finding %q", id)
		}
		if line == "" { // chosen by a variable, which other tests cover
			continue
		}
		used[line] = true
		if want := len(arguments(evidence[line].en)); evidence[line].en == "" || len(call.Args)-2 != want {
			t.Errorf("evidence %q of %s gets %d arguments, takes %d", line, id, len(call.Args)-2, want)
		}
	}
	used["tls-untrusted"], used["tls-self-signed"] = true, true
	for _, list := range [][]string{slices.Collect(maps.Keys(diseases)), slices.Collect(maps.Keys(evidence))} {
		for _, key := range list {
			if !used[key] {
				t.Errorf("%q is in the catalogue, but nothing finds it", key)
			}
		}
	}
}

// calls are those of a method of exam, in all files of the package.
func calls(t *testing.T, method string) (list []*ast.CallExpr) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == method && len(call.Args) >= 2 {
					list = append(list, call)
				}
			}
			return true
		})
	}
	return list
}

func literal(e ast.Expr) string {
	if b, ok := e.(*ast.BasicLit); ok {
		s, _ := strconv.Unquote(b.Value)
		return s
	}
	return ""
}

// TestPage holds that the page lists every finding and note.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]string{slices.Collect(maps.Keys(diseases)), slices.Collect(maps.Keys(notes)), slices.Collect(maps.Keys(checkNames))} {
		for _, id := range ids {
			if !strings.Contains(string(page), "`"+id+"`") {
				t.Errorf("docs/doctor.md does not have %s", id)
			}
		}
	}
}
