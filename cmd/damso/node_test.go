package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A patient is an answer that notes until when the request is read.
type patient struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (p *patient) SetReadDeadline(t time.Time) error {
	p.deadline = t
	return nil
}

// TestBodyDeadline holds that nobody is waited for who announces a body where none is
// needed.
func TestBodyDeadline(t *testing.T) {
	h := (&node{}).routes(http.NotFoundHandler())
	for _, path := range []string{"/", "/index.html", "/healthz"} {
		w := &patient{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.deadline.IsZero() {
			t.Errorf("%s: no deadline", path)
		}
	}
}
