package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/adapter/adaptertest"
	"github.com/damso/damso/internal/redistest"
	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) { converse(t, "") }

func TestRedis(t *testing.T) { converse(t, redistest.Start(t).Addr()) }

func converse(t *testing.T, addr string) {
	one, two := cluster(addr)
	a, b := newServer(one), newServer(two)
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	adaptertest.Wait(t, "ready", a.Ready)
	adaptertest.Wait(t, "ready", b.Ready)
	minsu, jimin := siotest.Listen(t, a).Join("/"), siotest.Listen(t, b).Join("/")
	minsu.Emit("/", `["say","hello"]`)
	minsu.Want(`2["said","hello"]`)
	jimin.Want(`2["said","hello"]`)
	jimin.Emit("/", `["say","안녕"]`)
	minsu.Want(`2["said","안녕"]`)
	jimin.Want(`2["said","안녕"]`)
}
