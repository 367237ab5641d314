package redis

import (
	"testing"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
)

// An offsets is a namespace that looks at where in its stream everything was.
type offsets struct {
	t  *testing.T
	id string // of the entry
}

func (o *offsets) check(at adapter.StreamID) {
	if want, ok := adapter.ParseStreamID(o.id); at != want || !ok && !at.IsZero() {
		o.t.Errorf("%q is at %v", o.id, at)
	}
}

func (o *offsets) Apply(op *adapter.Operation)                          { o.check(op.Logged.At) }
func (o *offsets) Answer(op *adapter.Operation, _ func(adapter.Answer)) { o.check(op.Logged.At) }
func (o *offsets) Wants(string) bool                                    { return true }
func (o *offsets) Added(_ uint64, at adapter.StreamID)                  { o.check(at) }

// FuzzEntry takes entries of a stream, to which anybody may have added.
func FuzzEntry(f *testing.F) {
	const data = `{"opts":{"rooms":["a"],"except":[]},"packet":{"type":2,"data":["e",1]}}`
	f.Add("1700000000000-0", "node", "3", data, "")
	f.Add("1700000000000-1", "self", "3", data, "7")
	f.Add("1-1", "self", "3", data, "-1")
	f.Add("", "node", "3", data, "x")
	f.Add("x-1", "node", "3", "gqRvcHRzgaVyb29tc5CmcGFja2V0gqR0eXBlAqRkYXRhkaFl", "")
	f.Add("1-18446744073709551616", "node", "4", `{"opts":{"rooms":[],"except":[]},"rooms":["a"]}`, "")
	f.Add("1-2", "node", "1", "", "")
	f.Add("1-2", "node", "99999999999999999999", "=", "")
	f.Fuzz(func(t *testing.T, id, uid, typ, data, own string) {
		a := New(rueidis.ClientOption{}, Options{Mode: Streams})
		local := &offsets{t, id}
		if _, err := a.OpenStream("/", local, 0); err != nil {
			t.Fatal(err)
		}
		if uid == "self" {
			uid = a.uid
		}
		a.entry(a.streams[0], id, map[string]string{"nsp": "/", "uid": uid, "type": typ, "data": data, ownField: own})
		if before(id, id) || before(noEntry, id) && before(id, noEntry) {
			t.Errorf("%q is before itself", id)
		}
	})
}

// FuzzPlaces takes the places that scripts write into sessions and behind messages.
func FuzzPlaces(f *testing.F) {
	f.Add("abcdef:5:7", []byte("\x93\xaf112215460607335"))
	f.Add("abcdef:281474976710656:7", []byte("\xaf000000000000000"))
	f.Add("::", []byte("\xaf-00000000000000"))
	f.Add("a:+1:1", []byte("\x01\xaf112215460607335"))
	f.Fuzz(func(t *testing.T, base string, message []byte) {
		if p, err := parseBase(base); err == nil && (p.Own >= 1<<48 || p.Seen >= 1<<48) {
			t.Errorf("%q is %+v", base, p)
		}
		if n, ok := lastNumber(message); ok && n >= 1<<48 {
			t.Errorf("%x ends with %d", message, n)
		}
		if l, err := readLogged(message, "node"); err == nil && (l.N >= 1<<48 || l.Node != "node") {
			t.Errorf("%x is %+v", message, l)
		}
	})
}
