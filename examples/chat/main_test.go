package main

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/damso/damso/internal/siotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChat(t *testing.T) {
	srv := newServer()
	t.Cleanup(func() { srv.Close() })
	at := siotest.Listen(t, srv)

	stranger := at.Open(siotest.Options{})
	_ = stranger.Send("0/chat,")
	stranger.Want(`4/chat,{"message":"who are you?"}`)

	minsu, jimin := at.Open(siotest.Options{}), at.Open(siotest.Options{Polling: true})
	minsu.Join("/chat", `{"name":"minsu"}`)
	minsu.Want(`2/chat,["joined","minsu"]`)
	jimin.Join("/chat", `{"name":"jimin"}`)
	minsu.Want(`2/chat,["joined","jimin"]`)
	jimin.Want(`2/chat,["joined","jimin"]`)

	minsu.Emit("/chat", `["say","hello"]`)
	minsu.Want(`2/chat,["said",{"name":"minsu","text":"hello"}]`)
	jimin.Want(`2/chat,["said",{"name":"minsu","text":"hello"}]`)

	_ = jimin.Send("1/chat,")
	minsu.Want(`2/chat,["left","jimin"]`)
}

// TestReadme keeps the README's server the one that is tested here.
func TestReadme(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(program), "func main()")
	if !strings.Contains(string(readme), "func main()"+code) {
		t.Error("README.md does not quote main.go: copy the code from func main() on")
	}
}
