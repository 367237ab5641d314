package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strconv"
	"strings"
	"sync"
)

// compressible says whether an answer to a poll is worth compressing.
func (o *Options) compressible(p payload) bool {
	return !o.NoHTTPCompression && p.compress && len(p.body) >= o.HTTPThreshold
}

// An httpEncoder compresses the bodies of answers.
type httpEncoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// httpEncoders are, by content coding, encoders that wait for work. "deflate" is
// zlib's format, as RFC 9110 has it.
var httpEncoders = map[string]*sync.Pool{
	"gzip":    {New: func() any { return gzip.NewWriter(nil) }},
	"deflate": {New: func() any { return zlib.NewWriter(nil) }},
}

// encodeHTTP returns body in a content coding of httpEncoders.
func encodeHTTP(coding string, body []byte) []byte {
	pool := httpEncoders[coding]
	e := pool.Get().(httpEncoder)
	defer pool.Put(e)
	var b bytes.Buffer
	e.Reset(&b)
	_, _ = e.Write(body) // a buffer takes everything
	_ = e.Close()
	e.Reset(nil) // which lets b go
	return b.Bytes()
}

// contentCoding returns the coding of httpEncoders that an Accept-Encoding header
// likes best, the first of those it likes alike; "" is none.
func contentCoding(accept string) string {
	best, bestQ, any, named := "", 0.0, 0.0, map[string]bool{}
	for item := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(item, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		q := quality(params)
		if coding == "*" {
			any = q
			continue
		}
		if _, ok := httpEncoders[coding]; ok && !named[coding] {
			named[coding] = true
			if q > bestQ {
				best, bestQ = coding, q
			}
		}
	}
	for _, coding := range []string{"gzip", "deflate"} { // what "*" stands for
		if any > bestQ && !named[coding] {
			return coding
		}
	}
	return best
}

// quality reads the parameter q, which is 1 if it is missing and 0 if it can't be
// read.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
