package packet

import (
	"encoding"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// carries says whether values of a type can have binary in them.
type carries uint8

const (
	never  carries = iota // no []byte, no Raw, no interface anywhere
	always                // a []byte or Raw, which may be nil or empty
	maybe                 // the value must be looked at
)

var carriers sync.Map // reflect.Type to carries

var (
	rawType       = reflect.TypeFor[Raw]()
	marshalerType = reflect.TypeFor[stdjson.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
	streamerType  = reflect.TypeFor[json.MarshalerTo]()
)

// carriesBinary answers for t from the cache if it can.
func carriesBinary(t reflect.Type) carries {
	if c, ok := carriers.Load(t); ok {
		return c.(carries)
	}
	c := analyse(t, map[reflect.Type]bool{})
	carriers.Store(t, c)
	return c
}

// analyse walks over t. Types on the way that refer to themselves are in open.
func analyse(t reflect.Type, open map[reflect.Type]bool) carries {
	if isBytes(t) || t == rawType {
		return always
	}
	if open[t] || encodesItself(t) {
		return never
	}
	open[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return maybe
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if analyse(t.Elem(), open) != never {
			return maybe
		}
	case reflect.Struct:
		for f := range t.Fields() {
			if inJSON(f) && analyse(f.Type, open) != never {
				return maybe
			}
		}
	}
	return never
}

// inJSON reports whether encoding/json looks at field f.
func inJSON(f reflect.StructField) bool {
	return (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-"
}

// isBytes reports whether values of t are binary: t is []byte or a type made of it.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !encodesItself(t) && !encodesItself(t.Elem())
}

// encodesItself reports whether t has its own way into JSON, which we can't look into.
func encodesItself(t reflect.Type) bool {
	if t == rawType || t.Kind() == reflect.Interface {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(marshalerType) || p.Implements(textType) || p.Implements(streamerType)
}

// holdsBinary reports whether there is binary in v, other than nil. For what is
// nested too deep, perhaps in a circle, it is true: package json finds that out.
func holdsBinary(v reflect.Value, depth int) bool {
	if !v.IsValid() {
		return false
	}
	if depth > MaxDepth {
		return true
	}
	switch carriesBinary(v.Type()) {
	case never:
		return false
	case always:
		return v.Type() == rawType && v.Field(1).Len() > 0 || v.Kind() == reflect.Slice && !v.IsNil()
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return holdsBinary(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if holdsBinary(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if holdsBinary(it.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if inJSON(v.Type().Field(i)) && holdsBinary(v.Field(i), depth+1) {
				return true
			}
		}
	}
	return false
}

// likeV1 makes package json encode and decode as encoding/json does.
var likeV1 = json.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	jsontext.EscapeForHTML(false),
	jsontext.EscapeForJS(false),
)

// mixed encodes an argument that has binary inside.
func (e *encoder) mixed(arg any) error {
	out := jsontext.NewEncoder(&e.buf, likeV1)
	err := json.MarshalEncode(out, arg, likeV1, json.WithMarshalers(
		json.MarshalToFunc(func(out *jsontext.Encoder, v any) error {
			return e.part(out, reflect.ValueOf(v).Elem())
		})))
	if err != nil {
		return fmt.Errorf("packet: %w", err)
	}
	if b := e.buf.Bytes(); b[len(b)-1] == '\n' {
		e.buf.Truncate(len(b) - 1)
	}
	return nil
}

// part encodes v if it is binary and leaves anything else to package json.
func (e *encoder) part(out *jsontext.Encoder, v reflect.Value) error {
	switch t := v.Type(); {
	case t == rawType:
		r := v.Interface().(Raw)
		if len(r.JSON) == 0 {
			return out.WriteToken(jsontext.Null)
		}
		text := r.JSON
		if len(r.Attachments) > 0 {
			var err error
			if text, e.attachments, err = renumber(nil, e.attachments, r.JSON, r.Attachments); err != nil {
				return err
			}
		}
		return out.WriteValue(text)
	case isBytes(t) && !v.IsNil():
		place := appendPlaceholder(nil, len(e.attachments))
		e.attachments = append(e.attachments, v.Bytes())
		return out.WriteValue(place)
	}
	return errors.ErrUnsupported
}
