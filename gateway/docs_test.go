package gateway_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that all names of ours in the page for those who come from NestJS
// exist.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/nestjs.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for pkg, dir := range map[string]string{
		"gateway": ".", "gatewaytest": "gatewaytest", "socketio": "../socketio", "engineio": "../engineio", "redis": "../adapter/redis",
	} {
		declared(t, names, pkg, dir)
	}
	mentioned := regexp.MustCompile(`\b(?:gateway|gatewaytest|socketio|engineio|redis)(?:\.[A-Z]\w*)+`)
	for _, name := range mentioned.FindAllString(string(page), -1) {
		if !names[name] {
			t.Errorf("docs/nestjs.md names %s, which does not exist", name)
		}
	}
}

// declared notes the names that a package declares: pkg.Name, pkg.Type.Method and
// pkg.Type.Field.
func declared(t *testing.T, names map[string]bool, pkg, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[pkg+"."+receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				specs(names, pkg, d)
			}
		}
	}
}

func specs(names map[string]bool, pkg string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				names[pkg+"."+name.Name] = true
			}
		case *ast.TypeSpec:
			names[pkg+"."+spec.Name.Name] = true
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						names[pkg+"."+spec.Name.Name+"."+name.Name] = true
					}
				}
			}
		}
	}
}

// receiver returns "Type." for a method, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	name, _ := typ.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name + "."
}
