package adapter_test

import (
	"regexp"
	"testing"

	"github.com/damso/damso/adapter"
)

// likeID is what @socket.io/redis-streams-adapter takes for an offset.
var likeID = regexp.MustCompile(`^[0-9]+-[0-9]+$`)

// FuzzParseStreamID takes what clients say about where they were.
func FuzzParseStreamID(f *testing.F) {
	for _, s := range []string{
		"0-0", "1700000000000-0", "1700000000000-18446744073709551615", "18446744073709551615-18446744073709551615",
		"18446744073709551616-0", "", "-", "1", "1-", "-1", "1-2-3", "+1-2", "1_0-2", "０-１", "$", "01-02", " 1-2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := adapter.ParseStreamID(s)
		if !ok {
			return
		}
		if !likeID.MatchString(s) {
			t.Fatalf("%q is taken for %v", s, id)
		}
		if again, ok := adapter.ParseStreamID(id.String()); !ok || again != id {
			t.Errorf("%v became %v, %v", id, again, ok)
		}
		if next := id.Next(); !id.Before(next) && !next.IsZero() || next.Before(id) && !next.IsZero() {
			t.Errorf("%v is followed by %v", id, next)
		}
	})
}
