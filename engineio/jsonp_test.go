package engineio

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestJSONPHead(t *testing.T) {
	for query, want := range map[string]string{
		"":                                  "",
		"j=0":                               "___eio[0](",
		"j=12":                              "___eio[12](",
		"j=":                                "___eio[](",
		"j":                                 "___eio[](",
		"j=1&j=2":                           "___eio[1](",
		"j=0](alert(1))%3B//":               "___eio[01](",
		"j=-1":                              "___eio[1](",
		"j=%0a1%3c/script%3e":               "___eio[1](",
		"j=abc%F0%9F%8D%B5":                 "___eio[](",
		"j=%D9%A1%EF%BC%92":                 "___eio[](", // digits, but not of JavaScript
		"j=" + strings.Repeat("7", 100_000): "___eio[7777777777](",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonpHead(values); got != want {
			t.Errorf("%.40s: %q, want %q", query, got, want)
		}
	}
}

func TestAppendJSONP(t *testing.T) {
	for payload, want := range map[string]string{
		"":                         `___eio[0]("");`,
		`1:6`:                      `___eio[0]("1:6");`,
		`42["a\n"]` + "\n":         `___eio[0]("42[\"a\\n\"]\n");`,
		"4\u2028\u2029":            `___eio[0]("4\u2028\u2029");`,
		`4</script><!--`:           `___eio[0]("4\u003c/script\u003e\u003c!--");`,
		"4담소🍵":                     `___eio[0]("4담소🍵");`,
		"4\x1e4\x00\xff":           `___eio[0]("4\u001e4\u0000\ufffd");`,
		`4");alert(1);___eio[0]("`: `___eio[0]("4\");alert(1);___eio[0](\"");`,
	} {
		if got := string(appendJSONP("___eio[0](", []byte(payload))); got != want {
			t.Errorf("%q: %s, want %s", payload, got, want)
		}
	}
}

// The right side is what querystring and the regular expressions of engine.io's
// polling-jsonp.js make of the left one.
func TestJSONPPayload(t *testing.T) {
	for form, want := range map[string]string{
		`d=`:                     "",
		`d=4a`:                   "4a",
		`d=2%3A4a`:               "2:4a",
		`d=a+b%2Bc`:              "a b+c",
		`x=1&d=4a&y=2`:           "4a",
		`d=a%5Cnb`:               "a\nb",
		`d=a%5C%5Cnb`:            `a\nb`,
		`d=a%5C%5C%5Cnb`:         `a\\nb`,
		`d=a%5C%5C%5C%5Cnb`:      `a\\\nb`,
		`d=%5Cn%5Cn`:             "\n\n",
		`d=%5C`:                  `\`,
		`d=a%0D%0Ab`:             "a\r\nb",
		`d=%EC%95%88`:            "안",
		`d=%22%5C%22%5C%5Cu0041`: `"\"\\u0041`,
	} {
		got, err := jsonpPayload([]byte(form))
		if err != nil || got == nil || string(got) != want {
			t.Errorf("%s: %q %v, want %q", form, got, err, want)
		}
	}
	for _, form := range []string{"", "&", "d", "e=1", "D=1", "dd=1"} {
		if got, err := jsonpPayload([]byte(form)); got != nil || err != nil {
			t.Errorf("%s: %q %v, want nothing", form, got, err)
		}
	}
	for _, form := range []string{"d=%", "d=%4", "d=%zz"} {
		if got, err := jsonpPayload([]byte(form)); err == nil {
			t.Errorf("%s: %q is accepted", form, got)
		}
	}
}

func FuzzJSONPPayload(f *testing.F) {
	f.Add(`2:4a\n` + "\n")
	f.Add(`\\\\n\\n\n`)
	f.Fuzz(func(t *testing.T, data string) {
		_, _ = jsonpPayload([]byte(data))
		if strings.Contains(data, "\\\n") {
			return // clients escape it like an escaped newline; JSON never has it
		}
		escaped := strings.ReplaceAll(strings.ReplaceAll(data, `\n`, "\\\n"), "\n", `\n`) // as clients do
		form := "d=" + url.QueryEscape(escaped)
		if got, err := jsonpPayload([]byte(form)); err != nil || string(got) != data {
			t.Errorf("%q: %q %v", data, got, err)
		}
	})
}

// script returns the payload in an answer to a client that polls by JSONP.
func script(t testing.TB, r reply) (payload string) {
	t.Helper()
	text, ok1 := strings.CutPrefix(r.body, "___eio[3](")
	text, ok2 := strings.CutSuffix(text, ");")
	if err := json.Unmarshal([]byte(text), &payload); err != nil || !ok1 || !ok2 {
		t.Fatalf("no script: %q", r.body)
	}
	if got := r.header.Get("Content-Type"); got != "text/javascript; charset=UTF-8" {
		t.Errorf("Content-Type %q", got)
	}
	return payload
}

// pollJSONP opens a session whose client polls by JSONP.
func (s *site) pollJSONP(query string) *polling {
	s.t.Helper()
	query += "&transport=polling&j=3"
	sid := sidOf(s.t, script(s.t, s.request("GET", query, "", nil)))
	return &polling{s, await(s.t, s.opened, "session"), query + "&sid=" + sid}
}

func TestJSONP(t *testing.T) {
	for _, c := range []struct {
		query, sent, got string
		messages         []received
	}{
		{"EIO=3", `3:4안\n` + `6:b4AQID6:4a\\nb"`, `14:4\u00e92\u20286:b4AQ==`, []received{{"안\n", false}, {"\x01\x02\x03", true}, {`a\nb"`, false}}},
		{"EIO=4", `4안\n` + "\x1ebAQID\x1e" + `4a\\nb"`, "4é2\u2028\x1ebAQ==", []received{{"안\n", false}, {"\x01\x02\x03", true}, {`a\nb"`, false}}},
	} {
		client := serve(t, Options{}).pollJSONP(c.query)
		r := client.request("POST", client.query, "application/x-www-form-urlencoded", strings.NewReader("d="+url.QueryEscape(c.sent)))
		client.want(r, 200, "ok")
		if got := r.header.Get("Content-Type"); got != "text/html" {
			t.Errorf("Content-Type %q", got)
		}
		for _, want := range c.messages {
			if got := await(t, client.messages, "message"); got != want {
				t.Errorf("%s: received %v, want %v", c.query, got, want)
			}
		}
		client.session.Send(message("é2\u2028", []byte{1}))
		if got := script(t, client.get()); got != c.got {
			t.Errorf("%s: sent %q, want %q", c.query, got, c.got)
		}
		hanging := client.hang()
		client.session.Close()
		script(t, await(t, hanging, "answer"))
		client.wantClosed(t, ForcedClose)
	}
}

// TestJSONPNonsense holds what becomes of forms that hold no payload.
func TestJSONPNonsense(t *testing.T) {
	s := serve(t, Options{MaxPayload: 100})
	post := func(body string) (reply, *polling) {
		client := s.pollJSONP("EIO=3")
		return client.request("POST", client.query, "application/x-www-form-urlencoded", strings.NewReader(body)), client
	}
	r, client := post("e=1") // engine.io ignores it too
	client.want(r, 200, "ok")
	for _, body := range []string{"d=%zz", "d=", "d=abc", "d=9%3A4a"} {
		r, client := post(body)
		client.want(r, 400, `{"code":3,"message":"Bad request"}`)
		client.wantClosed(t, ParseError)
	}
	r, client = post("d=" + strings.Repeat("a", 100))
	client.want(r, 413, "")
}
