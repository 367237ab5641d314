package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/joho/godotenv"
)

// maxDotenv is how long a .env file may be, in bytes.
const maxDotenv = 64 << 10

// nameRx is the form of a variable's name.
var nameRx = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// readDotenv returns the variables that the file sets, and a fault for each line
// that is none.
func readDotenv(file string) (map[string]string, Faults) {
	if file == "" {
		return nil, nil
	}
	text, err := readText(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Faults{{Where: file, Problem: err.Error()}}
	}
	good, bad := statements(strings.Split(text, "\n"))
	var faults Faults
	for _, line := range bad {
		faults = append(faults, Fault{
			Where:   fmt.Sprintf("%s:%d", file, line),
			Problem: "is not NAME=value, or a quote in it is not closed",
			Example: "NODE_PORT=3000",
		})
	}
	values, err := godotenv.Unmarshal(good)
	if err != nil { // can't be: each statement of it was read alone
		return nil, append(faults, Fault{Where: file, Problem: "can't be read"})
	}
	return values, faults
}

// readText returns the file's text. The error has no name of the file in it.
func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", cannotRead(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxDotenv+1))
	switch {
	case err != nil:
		return "", cannotRead(err)
	case len(b) > maxDotenv:
		return "", fmt.Errorf("is longer than %d bytes", maxDotenv)
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0:
		return "", errors.New("is not UTF-8 text; save it as UTF-8")
	}
	b = bytes.TrimPrefix(b, []byte("\uFEFF")) // the mark that some editors begin with
	return strings.ReplaceAll(string(b), "\r\n", "\n"), nil
}

// cannotRead leaves only the cause of a failed open or read.
func cannotRead(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("can't be read: %w", err)
}

// statements sorts lines into the text of those that set variables, comments
// and empty ones among them, and the numbers, from 1, of those that do not. The
// parser itself tells neither the line nor all of its errors, and what it says
// quotes the value, which may be a password.
func statements(lines []string) (good string, bad []int) {
	var b strings.Builder
	for i := 0; i < len(lines); {
		n := statement(lines[i:])
		if n == 0 {
			bad = append(bad, i+1)
			i++
			continue
		}
		b.WriteString(strings.Join(lines[i:i+n], "\n") + "\n")
		i += n
	}
	return b.String(), bad
}

// statement returns how many of the lines the first statement takes, more than
// one only if it has a quoted value with line ends; 0 if there is none.
func statement(lines []string) int {
	if !opensQuote(lines[0]) {
		lines = lines[:1]
	}
	for n := range lines {
		if wellFormed(strings.Join(lines[:n+1], "\n")) {
			return n + 1
		}
	}
	return 0
}

// opensQuote reports whether the line begins a quoted value.
func opensQuote(line string) bool {
	_, v, _ := strings.Cut(line, "=")
	v = strings.TrimLeft(v, " \t")
	return strings.HasPrefix(v, `"`) || strings.HasPrefix(v, "'")
}

// wellFormed reports whether text parses and sets nothing but variables.
func wellFormed(text string) bool {
	values, err := godotenv.Unmarshal(text)
	if err != nil {
		return false
	}
	for name := range values {
		if !nameRx.MatchString(name) {
			return false
		}
	}
	return true
}
