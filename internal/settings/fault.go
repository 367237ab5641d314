package settings

import (
	"fmt"
	"strings"
)

// A Fault is one thing that is wrong with the settings.
type Fault struct {
	Where   string // the variable, or the file and line: NODE_PORT, .env:3
	Problem string // what is wrong, to be read after Where
	Example string // a line that would be right, or ""
}

// Error returns the fault in one line.
func (f Fault) Error() string {
	if f.Example == "" {
		return f.Where + ": " + f.Problem
	}
	return f.Where + ": " + f.Problem + "; for example " + f.Example
}

// Faults are all the faults of the settings, at least one.
type Faults []Fault

// Error returns the faults, one a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// A Secret is a string that shows itself to nobody: whatever prints it or
// writes it to a log gets a placeholder. Convert it to string to use it.
type Secret string

const hidden = "[secret]"

// Format implements [fmt.Formatter].
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// MarshalText implements [encoding.TextMarshaler], for JSON and package slog.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
