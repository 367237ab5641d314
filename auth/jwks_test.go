package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/damso/damso/auth"
)

// A provider is an identity provider whose answers a test changes. It is a
// transport, so that it works where time is not real.
type provider struct {
	mu    sync.Mutex
	set   string
	err   error
	held  chan struct{} // answers wait until it is closed
	asked int
}

func (p *provider) answer(set string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set, p.err = set, err
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.asked++
	set, err, held := p.set, p.err, p.held
	p.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(set))}, nil
}

// keys returns a JWKS that asks p.
func (p *provider) keys() *auth.JWKS {
	j, err := auth.NewJWKS("https://idp.example/keys", auth.JWKSOptions{Client: &http.Client{Transport: p}, Logger: quiet()})
	must(err)
	return j
}

// TestJWKSOverHTTP is a provider that answers, changes its keys and goes away.
func TestJWKSOverHTTP(t *testing.T) {
	var mu sync.Mutex
	set := setOf(jwkOf("a", pairs()[auth.RS256].public), jwkOf("b", pairs()[auth.ES256].public), jwkOf("c", pairs()[auth.EdDSA].public), jwkOf("d", secret))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(w, set)
	}))
	keys, err := auth.NewJWKS(web.URL, auth.JWKSOptions{MaxAge: time.Nanosecond, MinInterval: time.Nanosecond, Logger: quiet()})
	must(err)
	a := auth.New[claims](auth.Options{Keys: keys})
	want := func(token, want string) {
		t.Helper()
		if _, err := a.Verify(t.Context(), token); code(t, err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	want(sign(auth.RS256, says(), "kid", "a"), "")
	want(sign(auth.ES256, says(), "kid", "b"), "")
	want(sign(auth.EdDSA, says(), "kid", "c"), "")
	want(sign(auth.EdDSA, says()), "")
	want(sign(auth.HS256, says(), "kid", "d"), auth.CodeInvalid) // a published secret is none
	want(sign(auth.RS256, says(), "kid", "b"), auth.CodeInvalid)
	want(sign(auth.RS256, says(), "kid", "e"), auth.CodeInvalid)
	want(sign(auth.RS256, says(), "kid", web.URL+"/../evil?x"), auth.CodeInvalid)

	mu.Lock()
	set = setOf(jwkOf("e", pairs()[auth.RS256].public))
	mu.Unlock()
	want(sign(auth.RS256, says(), "kid", "e"), "")
	want(sign(auth.ES256, says(), "kid", "b"), auth.CodeInvalid)

	web.Close()
	want(sign(auth.RS256, says(), "kid", "e"), "")
	want(sign(auth.RS256, says(), "kid", "f"), auth.CodeUnavailable)
}

func TestJWKSFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{set: setOf(jwkOf("a", pairs()[auth.RS256].public))}
		keys := p.keys()
		find := func(kid string, found, fetches int) {
			t.Helper()
			before := p.count()
			got, err := keys.Find(t.Context(), auth.RS256, kid)
			if err != nil || len(got) != found || p.count()-before != fetches {
				t.Errorf("%q: %d keys, %v, after %d fetches; want %d after %d", kid, len(got), err, p.count()-before, found, fetches)
			}
		}
		find("a", 1, 1)
		find("a", 1, 0)
		for i := range 100 { // unknown keys bring no fetch so soon
			find(fmt.Sprint("x", i), 0, 0)
		}
		time.Sleep(30 * time.Second)
		p.answer(setOf(jwkOf("a", pairs()[auth.RS256].public), jwkOf("b", pairs()[auth.RS256].public)), nil)
		find("b", 1, 1)
		find("b", 1, 0)
		find("", 2, 0)
		time.Sleep(15*time.Minute - time.Second)
		find("a", 1, 0)
		time.Sleep(time.Second)
		p.answer(setOf(jwkOf("b", pairs()[auth.RS256].public)), nil)
		find("a", 0, 1) // was taken back
		find("a", 0, 0)
	})
}

func TestJWKSDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		good := setOf(jwkOf("a", pairs()[auth.RS256].public))
		p := &provider{err: down}
		keys := p.keys()
		find := func(kid string) (int, error) {
			got, err := keys.Find(t.Context(), auth.RS256, kid)
			return len(got), err
		}
		if n, err := find("a"); n != 0 || !errors.Is(err, down) {
			t.Errorf("without keys: %d, %v", n, err)
		}
		p.answer(good, nil)
		if n, err := find("a"); n != 0 || !errors.Is(err, down) || p.count() != 1 {
			t.Errorf("at once: %d, %v, %d fetches", n, err, p.count())
		}
		time.Sleep(time.Second)
		if n, err := find("a"); n != 1 || err != nil {
			t.Errorf("a second later: %d, %v", n, err)
		}
		// What is no set of keys is as bad as no answer.
		for _, bad := range []string{"", "<html>", `{"keys":[]}`, `{"keys":5}`, `{}`, setOf(jwkOf("z", secret)), `{"keys":[` + strings.Repeat(" ", 1<<20) + `]}`} {
			p.answer(bad, nil)
			time.Sleep(time.Hour)
			before := p.count()
			for range 10 {
				if n, err := find("a"); n != 1 || err != nil {
					t.Errorf("%.20q: %d, %v", bad, n, err)
				}
			}
			if p.count() != before+1 {
				t.Errorf("%.20q: %d fetches", bad, p.count()-before)
			}
			if n, err := find("b"); n != 0 || err == nil {
				t.Errorf("%.20q: unknown key: %d, %v", bad, n, err)
			}
		}
		// The longer it lasts, the rarer the fetches.
		before := p.count()
		for range 600 {
			time.Sleep(time.Second)
			_, _ = find("a")
		}
		if n := p.count() - before; n > 30 {
			t.Errorf("%d fetches in ten minutes", n)
		}
		p.answer(good, nil)
		time.Sleep(30 * time.Second)
		if n, err := find("b"); n != 0 || err != nil {
			t.Errorf("up again: %d, %v", n, err)
		}
	})
}

// TestJWKSSlow holds a fetch to be shared, to end in time, and to survive who has
// asked for it.
func TestJWKSSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{set: setOf(jwkOf("a", pairs()[auth.RS256].public)), held: make(chan struct{})}
		keys := p.keys()
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 0 {
					ctx = first
				}
				if got, err := keys.Find(ctx, auth.RS256, "a"); len(got) != 1 || err != nil {
					t.Errorf("%d: %d keys, %v", i, len(got), err)
				}
			})
			synctest.Wait()
		}
		leave()
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := keys.Find(impatient, auth.RS256, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", err)
		}
		close(p.held)
		wg.Wait()
		if p.count() != 1 {
			t.Errorf("%d fetches", p.count())
		}

		p.held = make(chan struct{})
		time.Sleep(time.Hour)
		start := time.Now()
		if got, err := keys.Find(t.Context(), auth.RS256, "a"); len(got) != 1 || err != nil || time.Since(start) != 5*time.Second {
			t.Errorf("no answer: %d keys, %v after %v", len(got), err, time.Since(start))
		}
	})
}

func TestNewJWKS(t *testing.T) {
	tests := []struct {
		url  string
		opts auth.JWKSOptions
		ok   bool
	}{
		{"https://idp.example/keys", auth.JWKSOptions{}, true},
		{"http://127.0.0.1:8080/keys", auth.JWKSOptions{}, true},
		{"http://[::1]/keys", auth.JWKSOptions{}, true},
		{"http://localhost/keys", auth.JWKSOptions{}, true},
		{"http://idp.example/keys", auth.JWKSOptions{}, false},
		{"http://idp.example/keys", auth.JWKSOptions{Insecure: true}, true},
		{"http://localhost.example/keys", auth.JWKSOptions{}, false},
		{"file:///etc/keys", auth.JWKSOptions{Insecure: true}, false},
		{"https:///keys", auth.JWKSOptions{}, false},
		{"::", auth.JWKSOptions{}, false},
		{"https://idp.example/keys", auth.JWKSOptions{Algorithms: []string{auth.ES256}}, true},
		{"https://idp.example/keys", auth.JWKSOptions{Algorithms: []string{auth.HS256}}, false},
		{"https://idp.example/keys", auth.JWKSOptions{Algorithms: []string{"none"}}, false},
		{"https://idp.example/keys", auth.JWKSOptions{MaxAge: -1}, false},
	}
	for _, test := range tests {
		if _, err := auth.NewJWKS(test.url, test.opts); (err == nil) != test.ok {
			t.Errorf("%s, %+v: %v", test.url, test.opts, err)
		}
	}
}

func TestJWKSRedirect(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved":
			_, _ = io.WriteString(w, setOf(jwkOf("a", pairs()[auth.RS256].public)))
		case bytes.HasPrefix([]byte(r.URL.Path), []byte("/other")):
			http.Redirect(w, r, "ftp://127.0.0.1/keys", http.StatusFound)
		case r.URL.Path == "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, "/moved", http.StatusFound)
		}
	}))
	defer plain.Close()
	for path, ok := range map[string]bool{"/": true, "/other": false, "/loop": false} {
		keys, err := auth.NewJWKS(plain.URL+path, auth.JWKSOptions{Logger: quiet()})
		must(err)
		if found, err := keys.Find(t.Context(), auth.RS256, "a"); (err == nil && len(found) == 1) != ok {
			t.Errorf("%s: %v, %v", path, found, err)
		}
	}
}
