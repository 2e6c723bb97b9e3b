package web

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func pages(t *testing.T) map[string]http.Handler {
	t.Helper()
	made, err := Pages()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func ask(page http.Handler, method string, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/", nil)
	request.Header = header
	recorder := httptest.NewRecorder()
	page.ServeHTTP(recorder, request)
	return recorder
}

func TestEveryFileIsServed(t *testing.T) {
	for url, page := range pages(t) {
		got := ask(page, http.MethodGet, http.Header{})
		if got.Code != http.StatusOK || got.Body.Len() == 0 {
			t.Errorf("GET %s: %d, %d bytes", url, got.Code, got.Body.Len())
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy, "Cache-Control": "no-cache",
			"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got.Header().Get(name) != want {
				t.Errorf("GET %s: %s is %q", url, name, got.Header().Get(name))
			}
		}
		head := ask(page, http.MethodHead, http.Header{})
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != got.Header().Get("Content-Length") {
			t.Errorf("HEAD %s: %d, %d bytes", url, head.Code, head.Body.Len())
		}
		again := ask(page, http.MethodGet, http.Header{"If-None-Match": {got.Header().Get("ETag")}})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("GET %s again: %d, %d bytes", url, again.Code, again.Body.Len())
		}
		if other := ask(page, http.MethodGet, http.Header{"If-None-Match": {`"other"`}}); other.Code != http.StatusOK {
			t.Errorf("GET %s with another tag: %d", url, other.Code)
		}
		post := ask(page, http.MethodPost, http.Header{})
		if post.Code != http.StatusMethodNotAllowed || post.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d", url, post.Code)
		}
	}
}

// A file that is compressed is the same file, with a tag of its own; small ones, and parts of one, are not compressed.
func TestFilesAreCompressedWhenAskedFor(t *testing.T) {
	for url, page := range pages(t) {
		plain, coded := ask(page, http.MethodGet, http.Header{}), ask(page, http.MethodGet, http.Header{"Accept-Encoding": {"gzip, br"}})
		if plain.Body.Len() <= uncompressed {
			if coded.Header().Get("Content-Encoding") != "" {
				t.Errorf("%s of %d bytes: %v", url, plain.Body.Len(), coded.Header())
			}
			continue
		}
		header, length := coded.Header(), coded.Body.Len()
		if header.Get("Content-Encoding") != "gzip" || header.Get("Vary") != "Accept-Encoding" || plain.Header().Get("Vary") != "Accept-Encoding" ||
			header.Get("ETag") == plain.Header().Get("ETag") || header.Get("Content-Length") != strconv.Itoa(length) || length >= plain.Body.Len() {
			t.Errorf("%s: %v, plain %v", url, header, plain.Header())
		}
		reader, err := gzip.NewReader(coded.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(reader); err != nil || string(text) != plain.Body.String() {
			t.Errorf("%s: %d bytes of %d, %v", url, len(text), plain.Body.Len(), err)
		}
		again := ask(page, http.MethodGet, http.Header{"Accept-Encoding": {"gzip"}, "If-None-Match": {header.Get("ETag")}})
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s again: %d, %v", url, again.Code, again.Header())
		}
		head := ask(page, http.MethodHead, http.Header{"Accept-Encoding": {"gzip"}})
		if head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(length) {
			t.Errorf("HEAD %s: %v", url, head.Header())
		}
		part := ask(page, http.MethodGet, http.Header{"Accept-Encoding": {"gzip"}, "Range": {"bytes=0-9"}})
		if part.Code != http.StatusPartialContent || part.Body.String() != plain.Body.String()[:10] {
			t.Errorf("a part of %s: %d, %q", url, part.Code, part.Body)
		}
	}
}

func TestTypes(t *testing.T) {
	for url, want := range map[string]string{"/": "text/html; charset=utf-8", assets + "app.js": "text/javascript; charset=utf-8",
		assets + "style.css": "text/css; charset=utf-8", assets + "icon.svg": "image/svg+xml"} {
		page, is := pages(t)[url]
		if !is {
			t.Errorf("%s is not served", url)
			continue
		}
		if got := ask(page, http.MethodGet, http.Header{}).Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %s", url, got)
		}
	}
}

// TestNothingReadsMarkup: what strangers wrote must not become elements, whichever way it takes; nor must anything come
// from another site.
func TestNothingReadsMarkup(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\(|new Function|` +
		`setTimeout\(["'` + "`" + `]|https?://|javascript:|@import|url\(|<style|\sstyle=|\son[a-z]+=["']`)
	err := fs.WalkDir(static, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", "")
		for _, found := range forbidden.FindAllString(text, -1) {
			t.Errorf("%s has %q", path, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFilesNameEachOther: what the page and its modules refer to is there.
func TestFilesNameEachOther(t *testing.T) {
	made, found := pages(t), 0
	for url, page := range made {
		text := ask(page, http.MethodGet, http.Header{}).Body.String()
		for _, match := range regexp.MustCompile(`(?:from "\./|"`+assets+`)([a-z]+\.[a-z]+)"`).FindAllStringSubmatch(text, -1) {
			found++
			if _, is := made[assets+match[1]]; !is {
				t.Errorf("%s refers to %s, which is not there", url, match[1])
			}
		}
	}
	if found < len(made) {
		t.Errorf("%d references in %d files: the pattern finds too few", found, len(made))
	}
}
