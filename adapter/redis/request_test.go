package redis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/damso/damso/adapter"
)

// A recorder is a namespace that notes what is asked of it.
type recorder struct {
	wants string // "none" or "": which rooms have members

	applied []string
	asked   []string
}

func (r *recorder) Apply(op *adapter.Operation) { r.applied = append(r.applied, brief(op)) }

func (r *recorder) Answer(op *adapter.Operation, reply func(adapter.Answer)) {
	r.asked = append(r.asked, brief(op))
}

func (r *recorder) Wants(string) bool { return r.wants != "none" }

// brief shows what an operation does.
func brief(op *adapter.Operation) string {
	s := fmt.Sprintf("%d %q", op.Kind, op.Rooms)
	if op.Except != nil {
		s += fmt.Sprintf(" except %q", op.Except)
	}
	if op.Names != nil {
		s += fmt.Sprintf(" names %q", op.Names)
	}
	if op.Event.Data != nil {
		s += " " + string(op.Event.Data)
	}
	if op.Close {
		s += " close"
	}
	if op.Brief {
		s += " brief"
	}
	return s
}

// listener returns a namespace "/" of a node "me", and what it has been told.
func listener(opts Options) (*namespace, *recorder, *codec) {
	r := &recorder{}
	a := New(redisOptions, opts)
	a.uid = "me"
	c := a.newCodec()
	return newNamespace(a, "/", r), r, &c
}

const id20 = "abcdefghij0123456789"

// TestRequests has requests of both dialects, and what they do.
func TestRequests(t *testing.T) {
	for name, test := range map[string]struct {
		request        string
		applied, asked string
	}{
		"8 sockets":         {`{"uid":"x","requestId":"r","type":0,"rooms":["a",42]}`, "", `6 ["a" "42"] brief`},
		"8 all rooms":       {`{"uid":"x","requestId":"r","type":1}`, "", `7 []`},
		"8 join":            {`{"uid":"x","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["c",7]}`, `2 ["a"] except ["b"] names ["c" "7"]`, ""},
		"8 leave":           {`{"uid":"x","type":3,"opts":{"rooms":[],"except":[]},"rooms":["c"]}`, `3 [] names ["c"]`, ""},
		"8 disconnect":      {`{"uid":"x","type":4,"opts":{"rooms":["a"],"except":[]},"close":true}`, `4 ["a"] close`, ""},
		"emitter's":         {`{"type":4,"opts":{"rooms":["a"],"except":[]},"close":false}`, `4 ["a"]`, ""},
		"8 join one":        {`{"requestId":"r","type":2,"sid":"` + id20 + `","room":7}`, "", `2 ["` + id20 + `"] names ["7"]`},
		"8 leave one":       {`{"requestId":"r","type":3,"sid":"` + id20 + `","room":"c"}`, "", `3 ["` + id20 + `"] names ["c"]`},
		"8 disconnect one":  {`{"requestId":"r","type":4,"sid":"` + id20 + `","close":true}`, "", `4 ["` + id20 + `"] close`},
		"8 fetch":           {`{"uid":"x","requestId":"r","type":5,"opts":{"rooms":["a"],"except":["b"]}}`, "", `6 ["a"] except ["b"]`},
		"8 server side":     {`{"uid":"x","type":6,"data":["e",{"z":1,"a":null}]}`, `5 [] ["e",{"z":1,"a":null}]`, ""},
		"8 server side ask": {`{"uid":"x","requestId":"r","type":6,"data":["e"]}`, "", `5 [] ["e"]`},
		"8 broadcast, JSON": {`{"uid":"x","requestId":"r","type":7,"packet":{"type":2,"data":["e",1],"nsp":"/"},"opts":{"rooms":["a"],"except":[],"flags":{"timeout":1000}}}`, "", `1 ["a"] ["e",1]`},
		"keys in any order": {`{"rooms":["c"],"opts":{"except":[],"rooms":["a"]},"type":2,"uid":"x"}`, `2 ["a"] names ["c"]`, ""},

		"5 clients":        {`{"requestid":"r","type":0,"rooms":["a"]}`, "", `6 ["a"] brief`},
		"5 client's rooms": {`{"requestid":"r","type":1,"sid":"` + id20 + `"}`, "", `6 ["` + id20 + `"]`},
		"5 all rooms":      {`{"requestid":"r","type":2}`, "", `7 []`},
		"5 join":           {`{"requestid":"r","type":3,"sid":"` + id20 + `","room":"c"}`, "", `2 ["` + id20 + `"] names ["c"]`},
		"5 leave":          {`{"requestid":"r","type":4,"sid":"` + id20 + `","room":"c"}`, "", `3 ["` + id20 + `"] names ["c"]`},
		"5 custom":         {`{"requestid":"r","type":5,"data":{"a":[1,"é"]}}`, "", `5 [] ["customRequest",{"a":[1,"é"]}]`},
		"5 custom, none":   {`{"requestid":"r","type":5}`, "", `5 [] ["customRequest",null]`},
		"5 disconnect":     {`{"requestid":"r","type":6,"sid":"` + id20 + `","close":true}`, "", `4 ["` + id20 + `"] close`},

		"one's own":            {`{"uid":"me","type":4,"opts":{"rooms":[],"except":[]},"close":true}`, "", ""},
		"for socket.io 2 only": {` {"requestid":"r","type":4,"sid":"` + id20 + `","room":"c","uid":"x"}`, "", ""},
		"of another namespace": {`{"uid":"x","requestId":"r","type":7,"packet":{"type":2,"data":["e"],"nsp":"/x"},"opts":{"rooms":[]}}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			n, r, c := listener(Options{})
			if err := n.request(c, []byte(test.request)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.applied, "; "); got != test.applied {
				t.Errorf("applied %s, want %s", got, test.applied)
			}
			if got := strings.Join(r.asked, "; "); got != test.asked {
				t.Errorf("asked %s, want %s", got, test.asked)
			}
		})
	}
}

// TestBadRequests has what must do nothing. Some of it makes Node servers leave a room
// instead of joining it, disconnect clients, or end.
func TestBadRequests(t *testing.T) {
	for _, request := range []string{
		"", "{}", "null", "[]", `""`, "{", `{"type":4`, `{"uid":"x"}`, "\x81", "\x80", "\xc0", "\x85\xa3uid", "\xdf\xff\xff\xff\xff",
		`{"type":"4","opts":{"rooms":[],"except":[]},"close":true}`,
		`{"type":4.5,"opts":{"rooms":[],"except":[]}}`,
		`{"type":-1,"requestId":"r"}`, `{"type":99,"requestId":"r"}`, `{"type":99,"requestid":"r"}`, `{"type":1e300,"requestId":"r"}`,
		`{"type":8,"requestId":"r","clientCount":1}`, `{"type":9,"requestId":"r"}`,
		// opts without rooms would select everybody
		`{"uid":"x","type":4,"opts":{},"close":true}`,
		`{"uid":"x","type":4,"opts":{"except":[]},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":null},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":"a"},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":{"a":1}},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":[["a"]]},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":[true]},"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":[],"except":"a"},"close":true}`,
		`{"uid":"x","type":4,"opts":[],"close":true}`,
		`{"uid":"x","type":4,"opts":{"rooms":["a"]},"close":"yes"}`,
		`{"uid":"x","type":4,"OPTS":{"rooms":[]},"close":true}`,
		`{"uid":"x","type":4}`, `{"uid":"x","type":4,"close":true}`,
		`{"uid":1,"type":4,"opts":{"rooms":["a"]}}`,
		`{"uid":"x","type":2,"opts":{"rooms":["a"]}}`,
		`{"uid":"x","type":2,"opts":{"rooms":["a"]},"rooms":"c"}`,
		`{"uid":"x","type":3,"opts":{"rooms":["a"]},"rooms":{"0":"c"}}`,
		// about one socket, but not by a socket's id
		`{"requestId":"r","type":4,"sid":"general","close":true}`,
		`{"requestId":"r","type":4,"sid":"a room of 20 letters","close":true}`,
		`{"requestId":"r","type":4,"sid":["` + id20 + `"],"close":true}`,
		`{"requestId":"r","type":4,"close":true}`,
		`{"type":4,"sid":"` + id20 + `","close":true}`,
		`{"uid":"x","type":3,"sid":"` + id20 + `","room":"c"}`,
		`{"requestId":"r","type":2,"sid":"` + id20 + `"}`,
		`{"requestId":"r","type":2,"sid":"` + id20 + `","room":{}}`,
		`{"requestId":7,"type":1}`, `{"requestId":"r","type":5}`, `{"requestId":"r","type":0}`, `{"uid":"x","type":5,"opts":{"rooms":[]}}`,
		`{"uid":"x","type":6}`, `{"uid":"x","type":6,"data":[]}`, `{"uid":"x","type":6,"data":[1]}`, `{"uid":"x","type":6,"data":{"0":"e"}}`, `{"uid":"x","type":6,"data":"e"}`,
		`{"uid":"x","requestId":"r","type":7}`, `{"uid":"x","requestId":"r","type":7,"packet":1,"opts":{"rooms":[]}}`,
		`{"uid":"x","requestId":"r","type":7,"packet":{"type":3,"data":["e"]},"opts":{"rooms":[]}}`,
		`{"requestid":"r","type":3,"sid":"` + id20 + `"}`,
		`{"requestid":"r","type":6}`, `{"requestid":"r","type":6,"sid":"general","close":true}`,
		`{"requestid":"","type":2}`, `{"requestid":null,"type":6,"sid":"` + id20 + `","close":true}`, `{"requestid":7,"type":2}`,
		`{"requestid":"r","type":0,"rooms":"a"}`, `{"requestid":"r","type":7}`,
		`{"requestid":"r","type":1,"sid":7}`,
		// nested too deeply, and not one value
		`{"uid":"x","type":6,"data":["e",` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `]}`,
		`{"uid":"x","type":6,"data":["e",1]}{}`,
	} {
		n, r, c := listener(Options{})
		err := n.request(c, []byte(request))
		if err == nil || len(r.applied)+len(r.asked) > 0 {
			t.Errorf("%.80q: error %v, did %q %q", request, err, r.applied, r.asked)
		}
	}
}

// TestNotHere asks about a socket that is on another node: that is the one to answer.
func TestNotHere(t *testing.T) {
	n, r, c := listener(Options{})
	r.wants = "none"
	for _, request := range []string{
		`{"requestId":"r","type":4,"sid":"` + id20 + `","close":true}`,
		`{"requestid":"r","type":6,"sid":"` + id20 + `","close":true}`,
		`{"requestid":"r","type":1,"sid":"` + id20 + `"}`,
	} {
		if err := n.request(c, []byte(request)); err != nil || len(r.asked) > 0 {
			t.Errorf("%s: %v, asked %q", request, err, r.asked)
		}
	}
}

// TestEarlyDrop: what is for a room that nobody is in is not even decoded.
func TestEarlyDrop(t *testing.T) {
	n, r, c := listener(Options{})
	r.wants = "none"
	for _, channel := range []string{"socket.io#/#general#", "socket.io#/#42#", "socket.io#/#a#b##"} {
		if err := (classic{}).event(n, c, channel, []byte("garbage")); err != nil {
			t.Errorf("%s: decoded: %v", channel, err)
		}
	}
	if err := (classic{}).event(n, c, "socket.io#/#", []byte("garbage")); err == nil {
		t.Error("what is for all was dropped")
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"uid":"x","type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["c",7]}`))
	f.Add([]byte(`{"requestid":"r","type":6,"sid":"` + id20 + `","close":true}`))
	f.Add([]byte("\x85\xa3uid\xa1x\xa9requestId\xa1r\xa4type\x07\xa6packet\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\xa4opts\x83\xa5rooms\x90\xa6except\x90\xa5flags\x81\xa7timeout\xcd\x03\xe8"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, r, c := listener(Options{})
		if err := n.request(c, b); err != nil && len(r.applied)+len(r.asked) > 0 {
			t.Fatalf("%v, but did %q %q", err, r.applied, r.asked)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte(`{"requestId":"q","sockets":["a",{"id":"b","handshake":{},"rooms":["b",1],"data":{"a":1}}],"rooms":["a",7],"data":[1],"node":"n","type":8,"clientCount":3}`))
	f.Add([]byte("\x84\xa4type\x09\xa9requestId\xa1q\xa6packet\xc4\x01\xff\xa3sid\xa1s"))
	f.Add([]byte(`{"requestid":"q","clients":["a"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range []adapter.Kind{adapter.Fetch, adapter.Rooms, adapter.ServerSide, adapter.Broadcast, adapter.Join} {
			n, _, c := listener(Options{})
			q := adapter.NewQuery(&adapter.Operation{Kind: kind}, func(a adapter.Answer) {
				if !valid(a.Value) || a.Count < 0 || slices.ContainsFunc(a.Sockets, func(s adapter.Socket) bool { return s.ID == "" || !valid(s.Data) }) {
					t.Fatalf("%+v", a)
				}
			})
			if err := n.queries.Add("q", q); err != nil {
				t.Fatal(err)
			}
			n.response(c, b)
		}
	})
}

func valid(e adapter.Event) bool { return e.Data == nil || json.Valid(e.Data) }
