package groups

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// maximumURL bounds URLs and paths, in bytes.
	maximumURL = 2048
	// maximumHeader bounds the value of a header, in bytes, and maximumHeaderName its name.
	maximumHeader     = 4096
	maximumHeaderName = 128
	// maximumSecret bounds the file of a secret, and the text before references are replaced, in bytes.
	maximumSecret = 16 << 10
	// maximumReferences bounds the references in a text.
	maximumReferences = 16
)

// Environment looks up an environment variable; see os.LookupEnv.
type Environment func(name string) (value string, found bool)

// secretForm says how a secret is given.
const secretForm = "text, which may contain ${NAME} of an environment variable, or {file: PATH}"

// variable is a reference, or one that is to be taken as it is: "$${NAME}" stands for "${NAME}".
var variable = regexp.MustCompile(`\$?\$\{([^{}\r\n]*)\}`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// secret reads text, the contents of a file, or text with references to the environment.
func (r *reader) secret(n *yaml.Node, key string) (string, bool) {
	if n.Kind == yaml.MappingNode {
		var path string
		before := r.total()
		read, _ := r.object(n, key, field{"file", func(n *yaml.Node, key string) { path, _ = r.text(n, key, "a path") }})
		if r.needs(read, "file", "as in {file: PATH}"); r.total() > before {
			return "", false
		}
		return r.secretFile(n, key, path)
	}
	written, ok := r.text(n, key, secretForm)
	if !ok {
		return "", false
	}
	if path, is := strings.CutPrefix(written, "@"); is {
		return r.secretFile(n, key, path)
	}
	return r.expand(n, key, written)
}

// expand replaces references to the environment.
func (r *reader) expand(n *yaml.Node, key, written string) (string, bool) {
	before := r.total()
	if len(written) > maximumSecret || len(variable.FindAllString(written, maximumReferences+1)) > maximumReferences {
		r.add(n, key, fmt.Sprintf("is too long; allowed: %d bytes with %d references to the environment", maximumSecret, maximumReferences))
		return "", false
	}
	if strings.Contains(variable.ReplaceAllString(written, ""), "${") {
		r.add(n, key, "has ${ without }; allowed: "+secretForm)
	}
	expanded := variable.ReplaceAllStringFunc(written, func(found string) string {
		if literal, is := strings.CutPrefix(found, "$$"); is {
			return "$" + literal
		}
		name := variable.FindStringSubmatch(found)[1]
		if !variableName.MatchString(name) {
			r.add(n, key, "has ${…} with something else than the name of an environment variable; allowed: letters, digits and _ ($${ stands for ${)")
			return ""
		}
		value, is := r.env(name)
		switch {
		case !is:
			r.add(n, key, "environment variable "+name+" is not set; set it, or use {file: PATH}")
		case value == "":
			r.add(n, key, "environment variable "+name+" is empty; set it, or use {file: PATH}")
		}
		return value
	})
	return expanded, r.total() == before
}

// secretFile reads a file without its final newline.
func (r *reader) secretFile(n *yaml.Node, key, path string) (string, bool) {
	if !isPath(path) {
		r.add(n, key, "names no file; allowed: {file: PATH}, relative to the configuration")
		return "", false
	}
	path = within(r.dir, path)
	r.files.look(path)
	value, err := readRegular(path, maximumSecret)
	if err != nil {
		r.add(n, key, "its file cannot be read: "+reason(err)+"; allowed: a readable file, relative to the configuration")
		return "", false
	}
	trimmed := withoutNewline(value)
	if trimmed == "" {
		r.add(n, key, "its file is empty; write the secret into it")
	}
	return trimmed, trimmed != ""
}

// withoutNewline returns text without the newline at its end.
func withoutNewline(data []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
}

var (
	errIrregular = errors.New("it is not a regular file")
	errTooLong   = errors.New("it is too long")
)

// reason returns why a file could not be read, without its path.
func reason(err error) string {
	if at, is := errors.AsType[*fs.PathError](err); is {
		err = at.Err
	}
	return err.Error()
}

// readRegular reads a regular file of at most the given number of bytes. Anything else could block or never end.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errIrregular
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w, above %d bytes", errTooLong, limit)
	}
	return data, err
}

func isPath(path string) bool {
	return path != "" && len(path) <= maximumURL && !strings.ContainsRune(path, 0)
}

// within returns a path that is relative to a directory.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

const urlForm = "an http or https URL of at most 2048 printable ASCII characters with a host in ASCII, without fragment, as in https://HOST/PATH"

// url reads a URL, and returns it with scheme and host in their one spelling.
func (r *reader) url(n *yaml.Node, key string) Secret {
	raw, ok := r.secret(n, key)
	if !ok {
		return Secret{}
	}
	parsed, problem := parseURL(raw)
	if problem != "" {
		r.add(n, key, problem+"; allowed: "+urlForm)
		return Secret{}
	}
	return NewSecret(parsed.String())
}

// parseURL returns a URL with its scheme and host in their one spelling, or what is wrong with it.
func parseURL(raw string) (*url.URL, string) {
	switch {
	case raw == "":
		return nil, "is empty"
	case len(raw) > maximumURL:
		return nil, "is too long"
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }):
		return nil, "has a space, a backslash, or a character that is not printable ASCII and has to be percent-encoded"
	case strings.Contains(raw, "#"):
		return nil, "has a fragment (#)"
	}
	parsed, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, "is not a URL"
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, "has another scheme than http and https"
	case parsed.Host == "":
		return nil, "has no host"
	}
	origin, err := types.ServiceURL(parsed.Scheme + "://" + parsed.Host)
	if err != nil {
		return nil, "has a host or port that is none"
	}
	parsed.Host = strings.TrimPrefix(origin, parsed.Scheme+"://")
	return parsed, ""
}

// ownHeaders are those that frame a message or belong to a connection: who sends the request sets them.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Upgrade": true, "Expect": true, "Accept-Encoding": true, "Content-Encoding": true,
}

// header reads the value of a header.
func (r *reader) header(n *yaml.Node, key string) Secret {
	value, ok := r.secret(n, key)
	if !ok {
		return Secret{}
	}
	if !isHeaderValue(value) {
		r.add(n, key, "is not the value of a header; allowed: "+headerForm)
		return Secret{}
	}
	return NewSecret(value)
}

var headerForm = fmt.Sprintf("1 to %d characters on one line, without spaces around them", maximumHeader)

func isHeaderValue(value string) bool {
	return value != "" && len(value) <= maximumHeader && httpguts.ValidHeaderFieldValue(value) && strings.Trim(value, " \t") == value
}
