package importrules

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds the table to the tree and the tree to the table.
func TestImports(t *testing.T) {
	pkgs, err := imports(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range check(pkgs, rules) {
		t.Error(problem)
	}
}

// imports returns what each package of the tree imports in files that are no
// tests, by the package's folder. It reads files of all systems and build tags.
func imports(tree fs.FS) (map[string][]string, error) {
	pkgs := make(map[string][]string)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skip(tree, name)
		case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		pkgs[dir] = slices.Grow(pkgs[dir], len(f.Imports))
		for _, spec := range f.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if !slices.Contains(pkgs[dir], p) {
				pkgs[dir] = append(pkgs[dir], p)
			}
		}
		return nil
	})
	return pkgs, err
}

// skip leaves out what the go command leaves out: hidden and vendored folders,
// test data, and other modules.
func skip(tree fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// check returns what is wrong with the packages, a text for each.
func check(pkgs map[string][]string, rules map[string]rule) (problems []string) {
	for pkg, list := range pkgs {
		r, ok := rules[pkg]
		if !ok {
			problems = append(problems, fmt.Sprintf("package %s has no rule: add it to rules_test.go, with what it may import and why, "+
				"and to the map of packages in docs/architecture.md", pkg))
			continue
		}
		for _, imp := range list {
			if problem := r.refuses(imp); problem != "" {
				problems = append(problems, fmt.Sprintf("package %s imports %s, but %s (%s). If the import is right all the same, "+
					"change rules_test.go and write down why in docs/adr", pkg, imp, problem, r.why))
			}
		}
	}
	for pkg := range rules {
		if _, ok := pkgs[pkg]; !ok {
			problems = append(problems, fmt.Sprintf("there is no package %s any more: take its rule out of rules_test.go", pkg))
		}
	}
	slices.Sort(problems)
	return problems
}

// refuses returns why the rule has no place for an import, "" if it has one.
func (r rule) refuses(imp string) string {
	ours, isOurs := strings.CutPrefix(imp, module+"/")
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case isOurs && !slices.Contains(r.ours, ours):
		return "of this module it may import only [" + strings.Join(r.ours, " ") + "]"
	case isOurs:
		return ""
	case !strings.Contains(first, "."): // the standard library
		if slices.Contains(r.not, imp) {
			return "it must do without that package"
		}
		return ""
	}
	for _, m := range r.theirs {
		if imp == m || strings.HasPrefix(imp, m+"/") {
			return ""
		}
	}
	return "of other modules it may import only [" + strings.Join(r.theirs, " ") + "]"
}

// TestDependencies sees to it that each module in go.mod that we chose has its
// page among the decisions.
func TestDependencies(t *testing.T) {
	pages, err := filepath.Glob("../../docs/adr/[0-9]*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal("no decisions found", err)
	}
	var text strings.Builder
	for _, p := range pages {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	major := regexp.MustCompile(`/v[0-9]+$`)
	for _, m := range direct(string(mod)) {
		name := major.ReplaceAllString(strings.TrimPrefix(m, "github.com/"), "")
		if !strings.Contains(text.String(), name) {
			t.Errorf("no page in docs/adr names %s: a dependency needs its reason", m)
		}
	}
}

// direct returns the modules that go.mod requires directly.
func direct(mod string) (list []string) {
	for line := range strings.Lines(mod) {
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == "require" {
			f = f[1:]
		}
		if len(f) == 2 && strings.HasPrefix(f[1], "v") && strings.Contains(f[0], ".") {
			list = append(list, f[0])
		}
	}
	return list
}

func TestCheck(t *testing.T) {
	rules := map[string]rule{
		"low":  {not: []string{"os"}},
		"high": {ours: []string{"low"}, theirs: []string{"example.com/m"}},
	}
	tests := []struct {
		name string
		pkgs map[string][]string
		want []string // the beginning of each problem
	}{
		{"fine", map[string][]string{"low": {"io"}, "high": {"os", module + "/low", "example.com/m", "example.com/m/sub"}}, nil},
		{"upwards", map[string][]string{"low": {module + "/high"}, "high": nil}, []string{"package low imports " + module + "/high, but of this module"}},
		{"stranger", map[string][]string{"low": nil, "high": {"example.com/more"}}, []string{"package high imports example.com/more, but of other modules"}},
		{"refused", map[string][]string{"low": {"os"}, "high": nil}, []string{"package low imports os, but it must do without"}},
		{"no package", map[string][]string{"low": nil}, []string{"there is no package high"}},
		{"no rule", map[string][]string{"low": nil, "high": nil, "new": nil}, []string{"package new has no rule"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := check(tt.pkgs, rules)
			if len(got) != len(tt.want) {
				t.Fatalf("problems %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("problem %q, want %q…", got[i], tt.want[i])
				}
			}
		})
	}
}
