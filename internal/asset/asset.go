// Package asset serves files from memory, with ETag, gzipped for those that take it.
package asset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// contentTypes lists what we serve. The mime package is not asked, because its
// answers depend on the files of the machine.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json; charset=utf-8",
	".map":         "application/json; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json",
}

// An Asset is one file in memory, served plain or gzipped. It is never changed once
// it is served.
type Asset struct {
	ContentType  string // by the name's extension, until it is set
	CacheControl string // "no-cache" until it is set: browsers ask every time

	body    []byte
	gzipped func() []byte // compressed once, on first need; nil where that saves nothing
	etag    string        // the hash of body
}

// New makes an Asset of a file's content, which must not be changed any more.
func New(name string, body []byte) *Asset {
	sum := sha256.Sum256(body)
	a := &Asset{
		ContentType:  contentTypes[path.Ext(name)],
		CacheControl: "no-cache",
		body:         body,
		etag:         hex.EncodeToString(sum[:8]),
	}
	if a.ContentType == "" {
		a.ContentType = "application/octet-stream"
	}
	if path.Ext(name) != ".png" {
		a.gzipped = sync.OnceValue(func() []byte { return compress(body) })
	}
	return a
}

// ServeHTTP answers with the file, a range of it, or 304 where the browser has
// it already. It is for requests that read, see [ReadOnly].
func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", a.CacheControl)
	h.Set("Content-Type", a.ContentType)
	h.Set("X-Content-Type-Options", "nosniff")
	body, etag := a.body, a.etag
	if a.gzipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, etag = a.gzipped(), etag+"-gz"
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// ReadOnly answers 405 to everything but GET and HEAD.
func ReadOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// acceptsGzip reports whether an Accept-Encoding header names gzip without
// refusing it by "q=0".
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !ok || err == nil && q > 0
	}
	return false
}

func compress(body []byte) []byte {
	var buf bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // fails for unknown levels only
	zw.Write(body)                                           // a bytes.Buffer takes everything
	zw.Close()
	return buf.Bytes()
}
