package interop

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocs checks that the cases that docs/compatibility.md names are there.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	groups := "ack|auth|binary|connect|heartbeat|lifecycle|limit|order|room|text|upgrade"
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
