package groups

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Secret is text that nothing shows.
type Secret = secret.Secret

// NewSecret returns a secret of a value.
func NewSecret(value string) Secret { return secret.New(value) }

// Environment looks up an environment variable; see os.LookupEnv.
type Environment = secret.Environment

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
	written, ok := r.text(n, key, secret.Form)
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
	expanded, problems := secret.Expand(written, r.env)
	for _, problem := range problems {
		r.add(n, key, problem)
	}
	return expanded, len(problems) == 0
}

// secretFile reads a file without its final newline.
func (r *reader) secretFile(n *yaml.Node, key, path string) (string, bool) {
	if !secret.IsPath(path) {
		r.add(n, key, "names no file; allowed: {file: PATH}, relative to the configuration")
		return "", false
	}
	path = secret.Within(r.dir, path)
	r.files.look(path)
	value, err := secret.ReadFile(path)
	switch {
	case secret.IsEmpty(err):
		r.add(n, key, "its file is empty; write the secret into it")
	case err != nil:
		r.add(n, key, "its file cannot be read: "+err.Error()+"; allowed: a readable file, relative to the configuration")
	}
	return value, err == nil
}

// url reads a URL, and returns it with scheme and host in their one spelling.
func (r *reader) url(n *yaml.Node, key string) Secret {
	raw, ok := r.secret(n, key)
	if !ok {
		return Secret{}
	}
	parsed, problem := secret.ParseURL(raw)
	if problem != "" {
		r.add(n, key, problem+"; allowed: "+secret.URLForm)
		return Secret{}
	}
	return NewSecret(parsed.String())
}

// header reads the value of a header.
func (r *reader) header(n *yaml.Node, key string) Secret {
	value, ok := r.secret(n, key)
	if !ok {
		return Secret{}
	}
	if !secret.IsHeaderValue(value) {
		r.add(n, key, "is not the value of a header; allowed: "+secret.HeaderForm)
		return Secret{}
	}
	return NewSecret(value)
}
