package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRun runs the program.
func TestRun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- run(ctx, l) }()
	clients := siotest.At(t, l.Addr().String())

	stranger := clients.Open(siotest.Options{})
	_ = stranger.Send("0/chat,")
	stranger.Want(`4/chat,{"message":"a token is needed","data":{"code":"token_missing","message":"a token is needed"}}`)

	minsu, again := clients.Open(siotest.Options{}), clients.Open(siotest.Options{})
	minsu.Join("/chat", `{"token":"`+logIn(t, l.Addr().String(), "minsu")+`"}`)
	again.Join("/chat", `{"token":"`+logIn(t, l.Addr().String(), "minsu")+`"}`)
	minsu.Emit("/chat", `["say","hello"]`)
	again.Want(`2/chat,["said",{"name":"minsu","text":"hello"}]`)

	_ = again.Send(`2/chat,1["auth:refresh","` + logIn(t, l.Addr().String(), "jimin") + `"]`)
	again.Want(`3/chat,1[{"status":"error","code":"token_subject","message":"the new token is not for the same subject"}]`)
	_ = again.Send(`2/chat,2["auth:refresh","` + logIn(t, l.Addr().String(), "minsu") + `"]`)
	if got := again.Text(); !strings.HasPrefix(got, `3/chat,2[{"status":"ok","expiresAt":`) {
		t.Errorf("refresh: %s", got)
	}

	for range 100 { // a flood
		_ = again.Send(`2/chat,3["say","hello"]`)
	}
	for !strings.Contains(again.Text(), `"rate_limited"`) {
	}

	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// logIn gets a token.
func logIn(t *testing.T, addr, name string) string {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).PostForm("http://"+addr+"/login", url.Values{"name": {name}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	token, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("login: %s, %v", resp.Status, err)
	}
	return string(token)
}
