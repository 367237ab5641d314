package settings

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExampleFile keeps .env.example in step with Settings: it has each variable
// once, set to its default or as a comment, and nothing else.
func TestExampleFile(t *testing.T) {
	const file = "../../.env.example"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=`).FindAllSubmatch(text, -1) {
		got = append(got, string(m[1]))
	}
	for f := range reflect.TypeFor[Settings]().Fields() {
		want = append(want, f.Tag.Get("env"))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("variables (-want +got):\n%s", d)
	}
	s, err := Load(nil, file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(defaults(), s); d != "" {
		t.Errorf("not the defaults (-want +got):\n%s", d)
	}

	// With all comments taken away it is a file of good examples.
	all := writeFile(t, regexp.MustCompile(`(?m)^#([A-Z_]+=)`).ReplaceAllString(string(text), "$1"))
	ca, err := os.ReadFile("testdata/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("redis-ca.pem", ca, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("assets", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(nil, all); err != nil {
		t.Error(err)
	}
}

func FuzzDotenv(f *testing.F) {
	for _, s := range []string{"A=1\nB='x\ny'\n", "what", `A="x`, "A=$B\nB=${A}", "export X: y # z", "\"\n=", "A=\"\\\"\n\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := writeFile(t, text)
		values, faults := readDotenv(file)
		for _, ft := range faults {
			if ft.Problem == "can't be read" {
				t.Errorf("%q: statements and parser disagree", text)
			}
		}
		for name := range values {
			if !nameRx.MatchString(name) {
				t.Errorf("%q sets %q", text, name)
			}
		}
	})
}
