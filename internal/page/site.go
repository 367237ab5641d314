package page

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/damso/damso/internal/asset"
)

// policy is the page's Content-Security-Policy.
//
// 'self' in connect-src covers ws: and wss: on the page's own host. Browsers
// that do not know this yet (Safari before 15.4) stay on long-polling.
// Trusted Types make the browser itself refuse a string as HTML; "vue" is the
// policy under which Vue inserts the static parts of its own templates.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue"

// notBuilt is what a binary without a page shows.
const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Damso</title>
<h1>담소 Damso</h1>
<p>This server runs, but its page has not been built. Run <code>make build</code> and start it again.</p>
<p>서버는 실행 중이지만 페이지가 아직 빌드되지 않았습니다. <code>make build</code> 를 실행한 뒤 다시 시작하세요.</p>
</html>
`

// builtIn serves the files of site, which Vite has built.
// An empty or missing site gives the notice that nothing was built.
func builtIn(site fs.FS) (http.Handler, error) {
	assets, err := loadSite(site)
	if err != nil {
		return nil, fmt.Errorf("page: read built-in page: %w", err)
	}
	return asset.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		a, ok := assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})), nil
}

// loadSite reads every file of site. The keys are URL paths.
func loadSite(site fs.FS) (map[string]*asset.Asset, error) {
	assets := make(map[string]*asset.Asset)
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(site, name)
		if err != nil {
			return err
		}
		a := asset.New(name, body)
		if strings.HasPrefix(name, "assets/") { // Vite puts a hash of the content in these names
			a.CacheControl = "public, max-age=31536000, immutable"
		}
		assets["/"+name] = a
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	index, ok := assets["/index.html"]
	if !ok {
		index = asset.New("index.html", []byte(notBuilt))
	}
	assets["/"] = index
	return assets, nil
}
