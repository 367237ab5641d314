package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRooms(t *testing.T) {
	srv := newServer()
	t.Cleanup(func() { srv.Close() })
	at := siotest.Listen(t, srv)
	a, b, c := at.Open(siotest.Options{}), at.Open(siotest.Options{}), at.Join("/")
	aID, bID := a.Join("/", ""), b.Join("/", "")

	_ = a.Send(`20["join","music"]`)
	a.Want(`30[["music"]]`)
	_ = b.Send(`21["join","music"]`)
	b.Want(`31[["music"]]`)
	a.Want(`2["joined","music","` + bID + `"]`)

	a.Emit("/", `["say",{"room":"music","text":"hello"}]`)
	b.Want(`2["said",{"room":"music","text":"hello"}]`)

	_ = a.Send(`22["leave","music"]`)
	a.Want(`32[[]]`)
	b.Want(`2["left","music","` + aID + `"]`)

	_ = a.Send(`23["join","music"]`)
	a.Want(`33[["music"]]`)
	b.Want(`2["joined","music","` + aID + `"]`)
	b.Close()
	a.Want(`2["left","music","` + bID + `"]`)

	// Nothing of it was heard outside.
	_ = c.Send(`20["join","quiet"]`)
	c.Want(`30[["quiet"]]`)
}
