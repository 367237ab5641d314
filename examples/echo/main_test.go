package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEcho(t *testing.T) {
	srv := newServer()
	t.Cleanup(func() { srv.Close() })
	at := siotest.Listen(t, srv)
	for _, o := range []siotest.Options{{}, {Polling: true}, {Protocol: 3}} {
		c := at.Open(o)
		c.Join("/", "")
		c.Emit("/", `["echo",{"b":1.0,"a":"안녕"}]`)
		c.Want(`2["echo",{"b":1.0,"a":"안녕"}]`)
		if o.Protocol == 3 {
			continue
		}
		_ = c.Send(`51-["echo",{"_placeholder":true,"num":0}]`, []byte{1, 2, 3})
		c.Want(`51-["echo",{"_placeholder":true,"num":0}]`)
		c.WantBinary([]byte{1, 2, 3})
	}
}
