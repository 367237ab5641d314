package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

type message struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Age  uint8  `json:"age"`
	To   struct {
		City string   `json:"city"`
		Tags []string `json:"tags"`
	} `json:"to"`
	At   time.Time `json:"at"`
	File []byte    `json:"file"`
}

func (m message) Validate() error {
	var p gateway.Problems
	p.Length("name", m.Name, 1, 5)
	if m.Text == "rude" {
		p.Add("text", "must not be %s", m.Text)
	}
	return p.Err()
}

// A word is changed and refused by a method with a pointer.
type word string

func (w *word) Validate() error {
	*w = word(strings.TrimSpace(string(*w)))
	if *w == "" {
		return errors.New("a word must be said")
	}
	return nil
}

func TestPayload(t *testing.T) {
	c := join(t, func(r *gateway.Router) {
		gateway.OnAck(r, "message", func(_ context.Context, _ *socketio.Socket, m message) (string, error) { return m.Name, nil })
		gateway.OnAck(r, "pointer", func(_ context.Context, _ *socketio.Socket, m *message) (bool, error) { return m != nil, nil })
		gateway.OnAck(r, "word", func(_ context.Context, _ *socketio.Socket, w word) (word, error) { return w, nil })
		gateway.OnAck(r, "number", func(_ context.Context, _ *socketio.Socket, n int) (int, error) { return n, nil })
		gateway.OnAck(r, "float", func(_ context.Context, _ *socketio.Socket, n float64) (float64, error) { return n, nil })
		gateway.OnAck(r, "small", func(_ context.Context, _ *socketio.Socket, n int8) (int8, error) { return n, nil })
		gateway.OnAck(r, "count", func(_ context.Context, _ *socketio.Socket, n uint) (uint, error) { return n, nil })
		gateway.OnAck(r, "bool", func(_ context.Context, _ *socketio.Socket, b bool) (bool, error) { return b, nil })
		gateway.OnAck(r, "map", func(_ context.Context, _ *socketio.Socket, m map[string]int) (int, error) { return m["a"], nil })
		gateway.OnAck(r, "array", func(_ context.Context, _ *socketio.Socket, a [2]int) (int, error) { return a[0], nil })
		gateway.OnAck(r, "binary", func(_ context.Context, _ *socketio.Socket, b []byte) (int, error) { return len(b), nil })
		gateway.OnAck(r, "raw", func(_ context.Context, _ *socketio.Socket, b socketio.Raw) (socketio.Raw, error) { return b, nil })
		gateway.OnAck(r, "args", func(_ context.Context, _ *socketio.Socket, a socketio.Args) (string, error) {
			var first string
			var second int
			err := a.Decode(&first, &second)
			return strings.Repeat(first, second), err
		})
	})
	tests := []struct {
		name, event string
		args        []any
		want        string // answer, or what is wrong
	}{
		{"good", "message", list(raw(`{"name":"민수","unknown":1}`)), `"민수"`},
		{"characters, not bytes", "message", list(raw(`{"name":"가나다라마"}`)), `"가나다라마"`},
		{"validated", "message", list(raw(`{"name":"minsu!"}`)), `name must have 1 to 5 characters`},
		{"all problems", "message", list(raw(`{"text":"rude"}`)), `name must have 1 to 5 characters; text must not be rude`},
		{"missing", "message", nil, `name must have 1 to 5 characters`},
		{"null", "message", list(nil), `name must have 1 to 5 characters`},
		{"wrong type", "message", list(raw(`{"name":7}`)), `name must be a string`},
		{"wrong type, with binary", "message", list(map[string]any{"name": 7, "file": []byte{1}}), `payload is malformed`},
		{"binary within", "message", list(map[string]any{"name": "a", "file": []byte{1}}), `"a"`},
		{"nested", "message", list(raw(`{"to":{"city":[]}}`)), `to.city must be a string`},
		{"list", "message", list(raw(`{"to":{"tags":"x"}}`)), `to.tags must be a list`},
		{"object", "message", list(raw(`{"to":true}`)), `to must be an object`},
		{"range", "message", list(raw(`{"age":300}`)), `age must be a whole number from 0 to 255`},
		{"time", "message", list(raw(`{"at":"noon"}`)), `payload is malformed`},
		{"not an object", "message", list("text"), `payload must be an object`},
		{"pointer", "pointer", list(raw(`{"name":"a"}`)), `true`},
		{"pointer, missing", "pointer", nil, `false`},
		{"pointer, null", "pointer", list(nil), `false`},
		{"pointer, validated", "pointer", list(raw(`{}`)), `name must have 1 to 5 characters`},
		{"changed", "word", list("  hi "), `"hi"`},
		{"any error of Validate", "word", list("  "), `a word must be said`},
		{"fraction", "number", list(1.5), `payload must be a whole number`},
		{"float", "float", list("1"), `payload must be a number`},
		{"small", "small", list(128), `payload must be a whole number from -128 to 127`},
		{"negative", "count", list(-1), `payload must be a whole number and not negative`},
		{"bool", "bool", list("true"), `payload must be true or false`},
		{"map", "map", list(raw(`{"a":3}`)), `3`},
		{"map of others", "map", list(raw(`{"a":"3"}`)), `payload is malformed`},
		{"array", "array", list("x"), `payload must be a list`},
		{"binary", "binary", list([]byte{1, 2, 3}), `3`},
		{"no binary", "binary", list(7), `payload must be binary`},
		{"raw", "raw", list(raw(`{"b":1.0,"a":"\ud800"}`)), `{"b":1.0,"a":"\ud800"}`},
		{"all arguments", "args", list("ab", 2), `"abab"`},
		{"second argument", "args", list("ab", "2"), `argument 2 must be a whole number`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var refused struct{ Status, Message string }
			answer := c.Ask(tt.event, tt.args...)
			if json.Unmarshal(answer.Args[0], &refused) == nil && refused.Status == "error" {
				if refused.Message != tt.want {
					t.Errorf("refused: %q, want %q", refused.Message, tt.want)
				}
				wantCame(t, c, "exception "+answer.String())
				return
			}
			want(t, answer, tt.want)
			wantCame(t, c)
		})
	}
}

// TestProblems checks what a page needs to show problems beside its fields.
func TestProblems(t *testing.T) {
	c := join(t, func(r *gateway.Router) {
		gateway.On(r, "message", func(context.Context, *socketio.Socket, message) error { return nil })
	})
	c.Emit("message", raw(`{"text":"rude"}`))
	want(t, c.Next(), `exception {"status":"error","message":"name must have 1 to 5 characters; text must not be rude","data":[`+
		`{"field":"name","message":"must have 1 to 5 characters"},{"field":"text","message":"must not be rude"}]}`)
}

func list(args ...any) []any { return args }

func raw(text string) socketio.Raw { return socketio.Raw{JSON: []byte(text)} }
