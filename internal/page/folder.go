package page

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/damso/damso/internal/asset"
)

// folder serves the files of dir as they are at the time of each request.
// The folder stays open for the life of the process.
func folder(dir string) (http.Handler, error) {
	root, err := os.OpenRoot(dir) // does not follow links out of dir
	if err != nil {
		return nil, fmt.Errorf("page: open static folder: %w", err)
	}
	files := http.FileServerFS(publicFS{root.FS()})
	return asset.ReadOnly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})), nil
}

// publicFS hides names that begin with a dot, and folders without an
// index.html, which http.FileServer would list.
type publicFS struct{ fs.FS }

func (f publicFS) Open(name string) (fs.File, error) {
	if hidden(name) {
		return nil, fs.ErrNotExist
	}
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		_, err = fs.Stat(f.FS, path.Join(name, "index.html"))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// hidden reports whether an element of a slash-separated name begins with a dot.
// The folder itself, ".", is not hidden.
func hidden(name string) bool {
	return name != "." && (strings.HasPrefix(name, ".") || strings.Contains(name, "/."))
}
