package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/damso/damso/socketio"
)

// A Validator is a payload that checks itself. Validate is called once it is
// decoded, before the handler. What it returns is told the client, whatever error
// it is; [Problems] collects it by field. With a pointer for its receiver it may
// change the payload, too: trim a text, or set a default.
type Validator interface {
	Validate() error
}

// A Problem is what is wrong with one field of a payload.
type Problem struct {
	Field   string `json:"field"`   // as the client calls it: "name", "to.city"
	Message string `json:"message"` // what follows the field in a sentence: "must have 1 to 50 characters"
}

// Problems is what is wrong with a payload. As an error, it is told the client: as
// one text, and as data that has field and message of each. The zero value is
// empty and ready to use.
type Problems []Problem

// Add adds a problem: Add("age", "must be at least %d", 18).
func (p *Problems) Add(field, format string, args ...any) {
	*p = append(*p, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

// Length adds a problem unless s has from least to most characters.
func (p *Problems) Length(field, s string, least, most int) {
	if n := utf8.RuneCountInString(s); n < least || n > most {
		p.Add(field, "must have %d to %d characters", least, most)
	}
}

// Err returns the problems as an error, nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Error returns all problems in one text: "name must have 1 to 50 characters; text
// must be a string".
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(problem.Field + " " + problem.Message)
	}
	return b.String()
}

// decode makes a T of what the client has sent, and checks it.
func decode[T any](e *socketio.Event) (arg T, err error) {
	switch all := any(&arg).(type) {
	case *socketio.Args:
		*all = e.Args
		return arg, nil
	case **socketio.Event:
		*all = e
		return arg, nil
	}
	if err := e.Args.Decode(&arg); err != nil {
		if bad, ok := errors.AsType[*socketio.ArgumentError](err); ok {
			err = explain(bad, reflect.TypeFor[T]())
		}
		return arg, err
	}
	return arg, validate(&arg)
}

// validate asks the payload what is wrong with it.
func validate[T any](arg *T) error {
	v, ok := any(arg).(Validator)
	if !ok {
		if v, ok = any(*arg).(Validator); !ok || reflect.ValueOf(v).IsNil() { // T is a pointer or an interface
			return nil
		}
	}
	err := v.Validate()
	if err == nil || public(err) != nil {
		return err
	}
	return &Error{Message: err.Error()}
}

// explain says in words for the client why its argument could not be decoded into
// a variable of type want, which is nil if that is not known.
func explain(bad *socketio.ArgumentError, want reflect.Type) *Error {
	what := "payload"
	if bad.Index > 0 {
		what = fmt.Sprintf("argument %d", bad.Index+1)
	}
	if want != nil && want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](bad.Err)
	switch {
	case ok && wrong.Field != "":
		p := Problems{{Field: wrong.Field, Message: "must be " + kindOf(wrong.Type)}}
		return &Error{Message: p.Error(), Data: p, Err: bad}
	case ok && (want == nil || want == wrong.Type):
		return &Error{Message: what + " must be " + kindOf(wrong.Type), Err: bad}
	}
	return &Error{Message: what + " is malformed", Err: bad} // deep in a list or a map, or by its own UnmarshalJSON
}

// kindOf says what JSON a Go type wants.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int8, reflect.Int16, reflect.Int32:
		limit := int64(1) << (t.Bits() - 1)
		return fmt.Sprintf("a whole number from %d to %d", -limit, limit-1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<t.Bits()-1)
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return "a whole number and not negative"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "binary"
		}
		return "a list"
	case reflect.Array:
		return "a list"
	default:
		return "an object"
	}
}
