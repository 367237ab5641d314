package packet

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshal decodes arg, one raw argument of an event or ack, into v, a non-nil
// pointer, by the rules of package encoding/json.
//
// attachments are all those of the packet. Where there are some, a placeholder
// fills a []byte with its attachment, and an interface with a []byte; a []byte also
// takes base64 in a JSON string. A placeholder that stands for none of them fails
// with [ErrPlaceholder], and one that meets a v of another type fails as any object
// would. Without attachments a placeholder is an object like any other.
//
// A *[Raw] gets arg itself and those of the attachments that it has places for.
// Attachments are shared, not copied; Raw aliases arg.
func Unmarshal(arg []byte, attachments [][]byte, v any) error {
	if r, ok := v.(*Raw); ok && r != nil {
		raw, err := cutRaw(arg, attachments)
		if err != nil {
			return err
		}
		*r = raw
		return nil
	}
	var err error
	if len(attachments) == 0 {
		err = stdjson.Unmarshal(arg, v)
	} else {
		if err := checkPlaceholders(arg, len(attachments)); err != nil {
			return err
		}
		err = unmarshalMixed(arg, attachments, v)
	}
	if err != nil {
		return fmt.Errorf("packet: decode argument: %w", err)
	}
	return nil
}

func unmarshalMixed(arg []byte, attachments [][]byte, v any) error {
	a := assembler{attachments}
	return json.Unmarshal(arg, v, likeV1, json.WithUnmarshalers(
		json.UnmarshalFromFunc(func(in *jsontext.Decoder, v any) error {
			return a.part(in, reflect.ValueOf(v).Elem())
		})))
}

// An assembler puts attachments in their places.
type assembler struct{ attachments [][]byte }

// part decodes the next value into v if that can be binary, and leaves anything
// else to package json.
func (a assembler) part(in *jsontext.Decoder, v reflect.Value) error {
	switch t := v.Type(); {
	case t == rawType:
		text, err := in.ReadValue()
		if err != nil {
			return err
		}
		raw, err := cutRaw(append([]byte(nil), text...), a.attachments)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(raw))
		return nil
	case isBytes(t) && in.PeekKind() == '{':
		text, err := in.ReadValue()
		if err != nil {
			return err
		}
		b, ok := a.attachment(text)
		if !ok {
			return &stdjson.UnmarshalTypeError{Value: "object", Type: t, Offset: in.InputOffset()}
		}
		v.SetBytes(b)
		return nil
	case t.Kind() == reflect.Interface && t.NumMethod() == 0 && (v.IsNil() || v.Elem().Kind() != reflect.Pointer):
		value, err := a.any(in)
		if err != nil {
			return err
		}
		if value == nil {
			v.SetZero()
			return nil
		}
		v.Set(reflect.ValueOf(value))
		return nil
	}
	return errors.ErrUnsupported
}

// attachment returns the attachment that text is the placeholder of.
func (a assembler) attachment(text []byte) (b []byte, ok bool) {
	found, err := findPlaceholders(text)
	if err != nil || len(found) != 1 || found[0].start != 0 || found[0].end != len(text) || found[0].num < 0 || found[0].num >= len(a.attachments) {
		return nil, false
	}
	return a.attachments[found[0].num], true
}

// any decodes the next value as encoding/json decodes into an interface, and puts
// the attachments in afterwards.
func (a assembler) any(in *jsontext.Decoder) (value any, err error) {
	text, err := in.ReadValue()
	if err != nil {
		return nil, err
	}
	if err := stdjson.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return a.fill(value), nil
}

// fill returns value with attachments in their places, all of which exist.
func (a assembler) fill(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if num, ok := v["num"].(float64); ok && v["_placeholder"] == true {
			return a.attachments[int(num)]
		}
		for key, elem := range v {
			v[key] = a.fill(elem)
		}
	case []any:
		for i, elem := range v {
			v[i] = a.fill(elem)
		}
	}
	return value
}
