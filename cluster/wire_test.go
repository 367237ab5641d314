package cluster

import (
	"bytes"
	"reflect"
	"testing"
)

var records = []record{
	{kind: kindPoll, flags: flagPost | flagProtocol4, id: 1, session: "abcdef01234567890123", encoding: "gzip", before: 512 << 10, body: []byte("4hello")},
	{kind: kindUpgrade, id: 300, session: "abcdef01234567890123"},
	{kind: kindReply, id: 1, number: 200, typ: "text/plain; charset=UTF-8", encoding: "gzip", body: []byte("ok")},
	{kind: kindReply, flags: flagRefused, id: 1 << 40, number: 3, body: []byte("Bad request")},
	{kind: kindCancel, flags: flagLost, id: 7, session: "s"},
	{kind: kindRelease, id: 7},
	{kind: kindDelivered, id: 7, session: "s"},
	{kind: kindAsk, id: 7},
	{kind: kindKnown, id: 7},
	{kind: kindGone, id: 7},
	{kind: kindOpen, flags: flagDeflate | flagBase64, id: 8, session: "s"},
	{kind: kindData, flags: flagOpener, id: 8, number: 1 << 33, body: []byte("bytes")},
	{kind: kindCredit, id: 8, number: 64 << 10},
	{kind: kindEnd, id: 8, number: 5},
	{kind: kindReset, id: 8},
	{kind: kindPart, flags: flagOpener, id: 9, body: []byte("part")},
	{kind: kindCount, flags: flagLeaving, id: 1, number: 12345},
	{kind: kindLeave, flags: flagOpener, id: 10, session: "AAAAAABBBBBBBBBBBBBB"},
}

// TestWire encodes and decodes records of all kinds.
func TestWire(t *testing.T) {
	var got []record
	if err := decode(message(records...), func(r record) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if len(r.body) == 0 {
			got[i].body = nil // empty or nil
		}
		if !reflect.DeepEqual(got[i], r) {
			t.Errorf("got  %+v\nwant %+v", got[i], r)
		}
	}
	seen := map[kind]bool{}
	for _, r := range records {
		seen[r.kind] = true
	}
	for k := kindPoll; k < kinds; k++ {
		if !seen[k] && k != kindAgain {
			t.Errorf("no record of kind %d", k)
		}
	}
}

// TestAgain decodes what many connections get at once.
func TestAgain(t *testing.T) {
	var got []record
	m := message(
		record{kind: kindData, id: 1, body: []byte("broadcast")},
		record{kind: kindAgain, id: 2, number: 9},
		record{kind: kindCredit, id: 1},
		record{kind: kindAgain, id: 3},
	)
	if err := decode(m, func(r record) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 3} {
		if got[i].kind != kindData || string(got[i].body) != "broadcast" {
			t.Errorf("record %d: %+v", i, got[i])
		}
	}
}

// TestMalformed decodes what no node sends.
func TestMalformed(t *testing.T) {
	tests := map[string][]byte{
		"empty":          {},
		"version":        {2},
		"kind 0":         {version, 0, 0, 0, 0},
		"unknown kind":   {version, byte(kinds), 0, 0, 0},
		"short":          {version, byte(kindAsk), 0},
		"long varint":    append([]byte{version, byte(kindAsk), 0}, bytes.Repeat([]byte{0xff}, 11)...),
		"long session":   {version, byte(kindUpgrade), 0, 1, 0, maxSession + 1},
		"body too short": {version, byte(kindData), 0, 1, 0, 5, 'a'},
		"again at first": {version, byte(kindAgain), 0, 1, 0},
		"status":         message(record{kind: kindReply, number: 99}),
		"header":         message(record{kind: kindReply, number: 200, typ: "text/plain\r\nSet-Cookie: a"}),
	}
	for name, m := range tests {
		if err := decode(m, func(record) {}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzDecode decodes anything, and decodes what it has understood once more.
func FuzzDecode(f *testing.F) {
	f.Add(message(records...))
	for _, r := range records {
		f.Add(message(r))
	}
	f.Add(message(record{kind: kindData, id: 1, body: []byte("a")}, record{kind: kindAgain, id: 2, number: 9}))
	f.Fuzz(func(t *testing.T, m []byte) {
		var got []record
		if decode(m, func(r record) { got = append(got, r) }) != nil {
			return
		}
		var again []record
		if err := decode(message(got...), func(r record) { again = append(again, r) }); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, again) {
			t.Errorf("%+v\n%+v", got, again)
		}
	})
}
