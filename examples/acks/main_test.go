package main

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAcks(t *testing.T) {
	srv := newServer(time.Minute)
	t.Cleanup(func() { srv.Close() })
	at := siotest.Listen(t, srv)
	a, b := at.Join("/"), at.Join("/")
	_ = a.Send(`20["add",[1,2,3]]`)
	a.Want(`30[6]`)

	_ = a.Send(`21["greet"]`)
	a.Want(`20["name?"]`)
	_ = a.Send(`30["minsu"]`)
	a.Want(`31["hello, minsu"]`)

	_ = a.Send(`22["lunch"]`)
	a.Want(`21["lunch?"]`)
	_ = a.Send(`31["noodles"]`)
	b.Want(`21["lunch?"]`)
	_ = b.Send(`31["rice"]`)
	a.Want(`32[{"votes":{"noodles":1,"rice":1},"silent":0}]`)
}

// TestSilence: who does not answer is not waited for for ever.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(5 * time.Second)
		t.Cleanup(func() { srv.Close() })
		c := siotest.Pipe(t, srv).Join("/")
		_ = c.Send(`20["greet"]`)
		c.Want(`20["name?"]`, `30["hello, stranger"]`)
		_ = c.Send(`21["lunch"]`)
		c.Want(`21["lunch?"]`, `31[{"votes":{},"silent":1}]`)
	})
}
