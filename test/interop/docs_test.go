package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/damso/damso/internal/testenv"
)

// TestDocs checks that the cases that docs/compatibility.md names are there.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	groups := "ack|auth|binary|connect|gateway|heartbeat|lifecycle|limit|order|room|server|text|upgrade"
	named := regexp.MustCompile("`("+groups+")/([^`]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 25 {
		t.Errorf("only %d cases are named: has the page another form?", len(named))
	}
	for _, m := range named {
		cases, err := os.ReadFile("cases/" + m[1] + ".js")
		if err != nil {
			t.Fatal(err)
		}
		if m[2] != "*" && !strings.Contains(string(cases), "async '"+m[2]+"'(t)") {
			t.Errorf("there is no case %s/%s", m[1], m[2])
		}
	}
}

// TestOptionsAreNamed holds the pages for those who come from socket.io and NestJS to
// the options in the declarations of the JavaScript packages.
func TestOptionsAreNamed(t *testing.T) {
	root := testenv.NeedNodeModules(t, ".")
	options := regexp.MustCompile(`(?m)^    (?:    )?(\w+)\??: `)
	interfaces := regexp.MustCompile(`(?s)interface (?:Server|Attach)Options.*?\n}`)
	for _, page := range []string{"compatibility.md", "nestjs.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, file := range []string{"engine.io/build/server.d.ts", "server-4.8/dist/index.d.ts"} {
			declarations, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, declaration := range interfaces.FindAll(declarations, -1) {
				for _, m := range options.FindAllSubmatch(declaration, -1) {
					if name := string(m[1]); !strings.Contains(string(text), "`"+name+"`") && name != "name" { // of a cookie
						t.Errorf("docs/%s does not have the option %s", page, name)
					}
					found++
				}
			}
		}
		if found < 24 {
			t.Errorf("only %d options are declared: have the files another form?", found)
		}
	}
}

// TestAPIIsNamed does so with the public names of socket.io's classes.
func TestAPIIsNamed(t *testing.T) {
	root := testenv.NeedNodeModules(t, ".")
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	member := regexp.MustCompile(`(?m)^    (?:readonly |get )?([a-zA-Z]\w*)[<(:?]`)
	found := 0
	for _, file := range []string{"index", "namespace", "socket", "broadcast-operator"} {
		declarations, err := os.ReadFile(filepath.Join(root, "server-4.8/dist", file+".d.ts"))
		if err != nil {
			t.Fatal(err)
		}
		_, class, _ := strings.Cut(string(declarations), "export declare class ")
		for _, m := range member.FindAllStringSubmatch(class, -1) {
			if !regexp.MustCompile(`\b`+m[1]+`\b`).MatchString(string(page)) && !slices.Contains([]string{"constructor", "encoder"}, m[1]) { // the latter is marked private
				t.Errorf("docs/compatibility.md does not have %s of %s", m[1], file)
			}
			found++
		}
	}
	if found < 80 {
		t.Errorf("only %d members are declared: have the files another form?", found)
	}
}
