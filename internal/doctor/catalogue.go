package doctor

import "fmt"

// A text says one thing in both languages. Both take the same arguments in the same order.
type text struct{ en, ko string }

// A language picks from texts.
type language string

const (
	english language = "en"
	korean  language = "ko"
)

// languageOf is Korean if asked for, else English.
func languageOf(name string) language {
	if language(name) == korean {
		return korean
	}
	return english
}

func (l language) of(t text) string {
	if l == korean {
		return t.ko
	}
	return t.en
}

// A disease is what a finding says, whatever was seen.
type disease struct {
	severity Severity
	title    text
	meaning  text
	advice   []text
}

// finding is the one with that id, without evidence.
func (l language) finding(id string) Finding {
	d := diseases[id]
	f := Finding{ID: id, Severity: d.severity, Title: l.of(d.title), Meaning: l.of(d.meaning), Advice: []string{}}
	for _, t := range d.advice {
		f.Advice = append(f.Advice, l.of(t))
	}
	return f
}

func (l language) line(key string, args ...any) string {
	return fmt.Sprintf(l.of(evidence[key]), args...)
}
func (l language) note(key string, args ...any) string { return fmt.Sprintf(l.of(notes[key]), args...) }
