package page

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

// An asset is one file in memory, served plain or gzipped.
// It is never changed once it is served.
type asset struct {
	body         []byte
	gzipped      func() []byte // compressed once, on first need; nil where that saves nothing
	contentType  string
	cacheControl string
	etag         string // without the quotes
	gzipETag     string // the same for the gzipped form
}

// newAsset makes an asset that browsers ask about every time, with the hash of
// its content as ETag.
func newAsset(name string, body []byte) *asset {
	sum := sha256.Sum256(body)
	a := &asset{
		body:         body,
		contentType:  contentTypes[path.Ext(name)],
		cacheControl: "no-cache",
		etag:         hex.EncodeToString(sum[:8]),
	}
	a.gzipETag = a.etag + "-gz"
	if a.contentType == "" {
		a.contentType = "application/octet-stream"
	}
	if path.Ext(name) != ".png" {
		a.gzipped = sync.OnceValue(func() []byte { return compress(body) })
	}
	return a
}

// ServeHTTP answers with the file, a range of it, or 304 where the browser has
// it already.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", a.cacheControl)
	h.Set("Content-Type", a.contentType)
	body, etag := a.body, a.etag
	if a.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, etag = a.gzipped(), a.gzipETag
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
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
