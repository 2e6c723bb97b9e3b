package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/packed"
)

//go:embed static
var static embed.FS

// assets is the path that everything but the page itself is served below.
const assets = "/dashboard/"

// policy lets the page load what its own origin serves, and nothing run that stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// media are the types of what is embedded. The system's own table of types differs between machines.
var media = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Pages are the dashboard's files by the path of their URL: "/" is the page. A handler answers GET and HEAD as package
// http does for files, without ranges that a caller does not ask for; others get 405. Clients keep what they got and ask
// whether it changed (ETag).
func Pages() (map[string]http.Handler, error) {
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, fmt.Errorf("read dashboard: %w", err)
	}
	pages := make(map[string]http.Handler, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		content, err := static.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("read dashboard: %w", err)
		}
		mediaType, known := media[path.Ext(name)]
		if !known {
			return nil, fmt.Errorf("read dashboard: %s has no known type", name)
		}
		url := assets + name
		if name == "index.html" {
			url = "/"
		}
		pages[url] = newFile(mediaType, content)
	}
	return pages, nil
}

// file is one embedded file, also as it is compressed; nil for a small one. The two have tags of their own.
type file struct {
	media, tag, zippedTag string
	content, zipped       []byte
}

// uncompressed is the size in bytes up to which a file is sent as it is.
const uncompressed = 1 << 10

func newFile(media string, content []byte) file {
	digest := sha256.Sum256(content)
	tag := hex.EncodeToString(digest[:16])
	made := file{media: media, tag: `"` + tag + `"`, zippedTag: `"` + tag + `-gzip"`, content: content}
	if len(content) > uncompressed {
		stream, _ := packed.Join([]packed.Part{{Text: content}})
		made.zipped = bytes.Join(stream, nil)
	}
	return made
}

// ServeHTTP answers with the file, or that the client's copy is still good.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		header.Set("Connection", "close")
		http.Error(w, "this path is for reading: use GET", http.StatusMethodNotAllowed)
		return
	}
	header.Set("Content-Type", f.media)
	header.Set("Cache-Control", "no-cache")
	content, tag := f.content, f.tag
	if f.zipped != nil {
		header.Add("Vary", "Accept-Encoding")
		if gzip, _ := packed.Accepts(r.Header.Values("Accept-Encoding")); gzip && r.Header.Get("Range") == "" {
			content, tag = f.zipped, f.zippedTag
			header.Set("Content-Encoding", "gzip")
		}
	}
	header.Set("ETag", tag)
	if header.Get("Content-Encoding") != "" { // ServeContent leaves the length of coded content to its caller
		header.Set("Content-Length", strconv.Itoa(len(content)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
